/** What a run is made from, noted in its log: whoever goes on with it, on whatever machine, goes on with the same. */
import { FcmError } from '../../common/errors.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { LIVE, topicOf } from '../../pipeline/topology.ts'

export type Origin =
  /** `speed`: simulated seconds in a second, at most; the same network at another speed is the same. */
  | { kind: 'simulation'; seed: number; speed: number }
  | { kind: 'server' }
  /** A source by its name. */
  | { kind: 'other'; name: string }
  /** In this order; `from`: an ISO time, where only what is later was taken; `believeClocks`: however far from the others. */
  | { kind: 'archives'; from: string | null; files: ArchiveFile[]; believeClocks?: boolean }

/** `lines`: as many as there were when it was read; not there in what earlier versions have noted. */
type ArchiveFile = { name: string; bytes: number; lines?: number }

type Archives = Extract<Origin, { kind: 'archives' }>

const KEY = 'origin'
/** Where it stands. */
export const placeIn = (run: string) => ({ topic: topicOf(run, 'origin'), partition: 0 })

/** Notes it, before anything is made from it, for one caller at a time. @throws FcmError as `checkOrigin` */
export async function noteOrigin(log: EventLog, run: string, now: Origin): Promise<void> {
  await checkOrigin(log, run, now)
  await log.append([{ ...placeIn(run), key: KEY, value: Buffer.from(JSON.stringify(now)) }])
}

/** @throws FcmError SOURCE_DIFFERS, ARCHIVE_DIFFERS where the run is made from something else */
export async function checkOrigin(log: EventLog, run: string, now: Origin): Promise<void> {
  const ends = await log.ends(topicOf(run, 'activity'))
  // What nothing has come of binds nobody.
  if (ends.every(({ next }) => next === 0)) return
  const before = await notedIn(log, run)
  if (before?.kind === 'archives' && now.kind === 'archives') refuseOthers(run, before, now)
  else if (inWords(before) !== inWords(now))
    throw new FcmError('SOURCE_DIFFERS', { run, before: inWords(before), now: inWords(now) })
}

/** The archives that a run is made from so far; null where nothing has come of any. */
export async function archivesNoted(log: EventLog, run: string): Promise<ArchiveFile[] | null> {
  const ends = await log.ends(topicOf(run, 'activity'))
  const origin = ends.some(({ next }) => next > 0) ? await notedIn(log, run) : null
  return origin?.kind === 'archives' ? origin.files : null
}

/** What everyone who looks at run `live` should know of it; null: nothing, or nothing yet. */
export async function noticeOf(log: EventLog): Promise<string | null> {
  const isThere = (await log.topics(placeIn(LIVE).topic)).length > 0
  const origin = isThere ? await notedIn(log, LIVE) : null
  if (origin?.kind !== 'simulation') return null
  return `Simulated network (seed ${origin.seed}), at most ${origin.speed} times real time`
}

async function notedIn(log: EventLog, run: string): Promise<Origin | null> {
  let last: Uint8Array | null = null
  for await (const { value } of log.read(placeIn(run))) last = value
  return last && JSON.parse(Buffer.from(last).toString())
}

function inWords(origin: Origin | null): string {
  if (!origin) return 'what an earlier version of fcm has written'
  if (origin.kind === 'simulation') return `a simulation with seed ${origin.seed}`
  if (origin.kind === 'other') return `what came from the source ${origin.name}`
  return origin.kind === 'server' ? 'what was polled from a server' : 'archives'
}

/**
 * More behind what was there is all right: the last file may have grown, and files may follow.
 */
function refuseOthers(run: string, before: Archives, now: Archives): void {
  const isSame = before.files.every(({ name, bytes }, i) => {
    const file = now.files[i]
    return file?.name === name && (i < before.files.length - 1 ? file.bytes === bytes : file.bytes >= bytes)
  })
  const { from, believeClocks = false } = before
  if (isSame && from === now.from && believeClocks === (now.believeClocks ?? false)) return
  const names = before.files.map(({ name }) => name).join(', ')
  const options = `${from ? ` --from ${from}` : ''}${believeClocks ? ' --believe-clocks' : ''}`
  throw new FcmError('ARCHIVE_DIFFERS', { run, with: names + options })
}
