/** Places in the outbox of a run, written `epoch.n`: who has read up to one asks for what is behind it. */
import { FcmError } from '../../../common/errors.ts'

export type Place = string

/** Before all. */
export const BEGINNING: Place = '0.0'

export const placeOf = (epoch: number, n: number): Place => `${epoch}.${n}`

/** @throws FcmError PLACE_UNKNOWN: it isn't written like one */
export function parsePlace(run: string, place: Place): [epoch: number, n: number] {
  const [, epoch, n] = /^(\d{1,15})\.(\d{1,15})$/.exec(place) ?? []
  if (epoch === undefined || n === undefined) throw new FcmError('PLACE_UNKNOWN', { run, place })
  return [Number(epoch), Number(n)]
}

/** Negative: `a` comes before `b`. Of places that a store gave out. */
export function comparePlaces(a: Place, b: Place): number {
  const [one, other] = [a, b].map((place) => place.split('.').map(Number))
  return one![0]! - other![0]! || one![1]! - other![1]!
}
