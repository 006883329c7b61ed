/** Every source of this folder keeps what the port says. */
import { DAY, HOUR, MINUTE } from '../../common/time.ts'
import { SIMULATION_START, simulatedHistory } from '../simulation/simulation.ts'
import { sourceContract } from '../sources/source.contract.ts'
import { openArchive } from './archive/archive.ts'
import { temporaryFiles } from './fixtures.ts'
import { toHubJson } from './hub-json.ts'
import { simulatedClock } from './source/clock.ts'
import { fakeServer } from './source/fake-server.fixture.ts'
import { parseFollow } from './source/follow.ts'
import { END, LIVE, messages, urls } from './source/network.fixture.ts'
import { pollingSource } from './source/poll.ts'
import { wholeSource } from './whole.ts'

const { dir, file } = temporaryFiles()
const lines = messages.slice(0, 300).map((message) => JSON.stringify(toHubJson(message)))
const archives = [0, 1].map((half) =>
  file(
    lines
      .filter((_, i) => i % 2 === half)
      .reverse()
      .join('\n'),
  ),
)

sourceContract('an archive in no order', async () => {
  const { items } = await openArchive(archives, { dir, limits: { runEntries: 50 } })
  return wholeSource({ input: items(), batchSize: 100 })
})

sourceContract('the simulated history', () => simulatedHistory(1, SIMULATION_START + 2 * DAY))

sourceContract('polling', () => {
  const { signal } = new AbortController()
  let now = LIVE
  const drive = async (time: number) => {
    now = time
  }
  return pollingSource({
    server: fakeServer({ messages, now: () => now }),
    clock: simulatedClock({ start: LIVE, speed: Number.POSITIVE_INFINITY, drive, signal }),
    ...{ follow: parseFollow(urls.join(), 0), interval: 30 * MINUTE, budget: 10_000, until: END - 6 * HOUR },
  })
})
