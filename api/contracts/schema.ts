/** What contracts are made of: each is written once, and is schema, TypeScript type and documentation. */
import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { ALERT_KINDS } from '../../schemas/records.ts'

export const oneOf = <T extends string>(values: readonly T[], description: string) =>
  Type.Unsafe<T>({ type: 'string', enum: values, description })

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
export const Count = (description: string) => Type.Integer({ minimum: 0, description })
export const Share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })
/** A number that may not be known. */
export const Known = (description?: string) => Nullable(Type.Number(description ? { description } : {}))

/** The type of an alert: of a detector of today, or of one that comes. */
export const KIND = '^[a-z][a-z0-9-]{0,63}$'
export const Kind = (description: string) =>
  Type.String({
    pattern: KIND,
    description: `${description} One of ${ALERT_KINDS.join(', ')}, or any other that comes.`,
  })

/** ISO 8601 in UTC, from 1970 on, to the second or finer: the one form of times. */
export const TIME =
  '^(19[7-9]\\d|[2-9]\\d{3})-\\d{2}-\\d{2}T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,3})?Z$'
export const Time = (description: string) => Type.String({ format: 'date-time', pattern: TIME, description })

const isTime = new RegExp(TIME)
/** ms of a time in that form, or null: a date that does not exist (February 30) is refused, not rolled over. */
export function parseTime(text: string): number | null {
  const time = isTime.test(text) ? Date.parse(text) : Number.NaN
  return time >= 0 && new Date(time).toISOString().startsWith(text.slice(0, 19)) ? time : null
}

/**
 * A schema that has a name in the OpenAPI document, wherever it is used, and an example. Its members are what answers
 * have, in this order.
 */
export const named = <T extends TProperties>(
  name: string,
  members: T,
  { example, description }: { example: object; description?: string },
) => Type.Object(members, { title: name, examples: [example], ...(description && { description }) })

/** A page of a list: pass `next` back as `cursor`. */
export const pageOf = <T extends TSchema>(item: T) => ({
  items: Type.Array(item),
  next: Nullable(Type.String({ description: 'Pass it as `cursor` for the page after; null at the end.' })),
})
export type Page<T> = { items: T[]; next: string | null }

/**
 * An object of exactly these members: an unknown one is refused, so that a misspelt filter can't widen an answer.
 * Whoever asks may leave out a member that has a default; whoever answers always has it.
 */
export const exactly = <T extends TProperties>(members: T) => {
  const object = Type.Object(members, { additionalProperties: false })
  const required = (object.required as string[] | undefined)?.filter((name) => !('default' in members[name]!))
  return Type.Unsafe<Static<typeof object>>({ ...object, required })
}
