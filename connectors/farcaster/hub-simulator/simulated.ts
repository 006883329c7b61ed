/** The simulated network behind a hub: what it says, who says it, and who follows whom. */
import { BASE, DAY, FARCASTER_EPOCH, HOUR, SECOND } from '../../../common/time.ts'
import { createRandom, type Random } from '../../../models/random.ts'
import { networkOf, simulate } from '../../../models/simulation/simulate.ts'
import { SIMULATION_LIVE, SIMULATION_START, simulation } from '../../simulation/simulation.ts'
import type { HubData } from './data.ts'
import { listChannels } from './data.ts'
import { byOrder, type Entry, entryOf } from './entry.ts'
import { HUB_RETENTION } from './store.ts'

const FOLLOWERS_PER_DAILY_CAST = 60
const MOST_FOLLOWED = 80

/** The network of `seed`, for one hub. The simulation has no end, and is made as the clock asks for it. */
export function simulatedData(seed: number): HubData {
  const network = networkOf(seed)
  const bins = simulate(simulation(seed))
  const accounts = [...new Set(network.flatMap(({ crowd }) => crowd.fids))].sort((a, b) => a - b)
  let ready = standing(seed, accounts)
  let read = 0
  let madeTo = Number.NEGATIVE_INFINITY

  return {
    name: `seed ${seed}`,
    seed,
    live: SIMULATION_LIVE,
    retention: HUB_RETENTION,
    channels: listChannels(
      network.flatMap(({ url, topic, castsPerDay, crowd }) =>
        url === null
          ? []
          : [
              {
                name: topic,
                url,
                leadFid: crowd.fids[0]!,
                createdAt: (SIMULATION_START - 365 * DAY) / SECOND,
                followerCount: Math.round(castsPerDay * FOLLOWERS_PER_DAILY_CAST),
                memberCount: crowd.fids.length,
              },
            ],
      ),
    ),
    *upTo(now) {
      for (;;) {
        while (read < ready.length && ready[read]!.time <= now) yield ready[read++]!
        if (read < ready.length || madeTo > now) return
        const { start, messages } = bins.next().value
        ready = messages.map((message) => entryOf(message))
        read = 0
        madeTo = start + BASE
      }
    },
  }
}

/** Profiles and follow links, all signed before the simulation begins. */
function standing(seed: number, accounts: number[]): Entry[] {
  const random = createRandom(seed).fork('accounts of the hub')
  return accounts.flatMap((fid) => account(fid, accounts, random.fork(String(fid)))).sort(byOrder)
}

const NAMES = (
  'ada bruno chen dalia emre fatou goran hana ines jonas kaveh lucia mina nadia omar petra quinn rosa sami tara ' +
  'umar vera wanda xenia yusuf zoe'
).split(' ')
const TRADES = 'paints builds bikes writes bakes codes films plants runs sings'.split(' ')
/** Where the name is registered: with Farcaster itself, or on chain. */
const KINDS = ['', '', '.eth']

function account(fid: number, accounts: number[], random: Random): Entry[] {
  const name = NAMES[random.int(NAMES.length)]!
  const trade = TRADES[random.int(TRADES.length)]!
  const data: [type: string, value: string][] = [
    ['USER_DATA_TYPE_DISPLAY', `${name[0]!.toUpperCase()}${name.slice(1)} ${trade}`],
    // The id keeps names apart.
    ['USER_DATA_TYPE_USERNAME', `${name}${fid}${KINDS[random.int(KINDS.length)]}`],
    ['USER_DATA_TYPE_BIO', `${trade} most days, talks about it on the others`],
    ['USER_DATA_TYPE_PFP', `https://images.example/account/${fid}.png`],
  ]
  const profile = data.map(([type, value]): Entry => {
    const signed = sign(fid, random)
    const json = write(signed, 'MESSAGE_TYPE_USER_DATA_ADD', { userDataBody: { type, value } })
    return { ...signed, json, kind: 'user-data', type, value }
  })
  const followed = new Set<number>()
  for (let n = random.int(MOST_FOLLOWED); n > 0; n--) followed.add(accounts[random.int(accounts.length)]!)
  followed.delete(fid)
  const links = [...followed].map((target): Entry => {
    const signed = sign(fid, random)
    const linkBody = { type: 'follow', displayTimestamp: null, targetFid: target }
    const json = write(signed, 'MESSAGE_TYPE_LINK_ADD', { linkBody })
    return { ...signed, json, kind: 'link', type: 'follow', target }
  })
  return [...profile, ...links]
}

/** A time in the year before the simulation, and a hash. */
function sign(fid: number, random: Random): { fid: number; time: number; hash: string } {
  const time = SIMULATION_START - HOUR - SECOND * random.int((364 * DAY) / SECOND)
  const words = Array.from({ length: 5 }, () =>
    random
      .int(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  )
  return { fid, time, hash: words.join('') }
}

const write = ({ fid, time, hash }: ReturnType<typeof sign>, type: string, body: object): string =>
  JSON.stringify({
    data: {
      type,
      fid,
      timestamp: (time - FARCASTER_EPOCH) / SECOND,
      network: 'FARCASTER_NETWORK_MAINNET',
      ...body,
    },
    hash: `0x${hash}`,
    hashScheme: 'HASH_SCHEME_BLAKE3',
  })
