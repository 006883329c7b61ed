import avro from 'avsc'
import fc from 'fast-check'
import { readSchema } from './codec.ts'
import {
  type AlertEvent,
  type FcmRecord,
  type Figure,
  MEASURES,
  type RecordType,
  SEVERITIES,
} from './records.ts'

/** Any record of a type: drawn from its Avro schema, but for the one that differs from it. */
export const anyRecord = (type: RecordType): fc.Arbitrary<FcmRecord> =>
  type === 'AlertEvent' ? anyAlertEvent : anyFields(type)

const anyFields = (type: RecordType): fc.Arbitrary<FcmRecord> =>
  anyOf(avro.Type.forSchema(readSchema(type) as avro.Schema)).map(
    (fields) => ({ type, ...(fields as object) }) as FcmRecord,
  )

function anyOf(type: avro.Type): fc.Arbitrary<unknown> {
  if (type instanceof avro.types.RecordType) {
    return fc.record(Object.fromEntries(type.fields.map((field) => [field.name, anyOf(field.type)])))
  }
  if (type instanceof avro.types.UnwrappedUnionType) return fc.oneof(...type.types.map(anyOf))
  if (type instanceof avro.types.ArrayType) return fc.array(anyOf(type.itemsType), { maxLength: 5 })
  if (type instanceof avro.types.EnumType) return fc.constantFrom(...type.symbols)
  if (type instanceof avro.types.FixedType) {
    return fc.uint8Array({ minLength: type.size, maxLength: type.size }).map((bytes) => Buffer.from(bytes))
  }
  const primitive = primitives[type.typeName]
  if (!primitive) throw new Error(`no record of ours has a ${type.typeName}`)
  return primitive
}

const primitives: Record<string, fc.Arbitrary<unknown>> = {
  null: fc.constant(null),
  boolean: fc.boolean(),
  int: fc.integer(),
  // avsc gets longs wrong below -2^52, and refuses 2^53 - 1; ours are ids, counts and times.
  long: fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 }),
  double: fc.double({ noNaN: true }),
  string: fc.string({ unit: 'binary' }),
}

const { int, long, double, string } = primitives as {
  int: fc.Arbitrary<number>
  long: fc.Arbitrary<number>
  double: fc.Arbitrary<number>
  string: fc.Arbitrary<string>
}
const maybe = fc.option(double)
const bin = { measure: fc.constantFrom(...MEASURES), resolution: int, start: long }
const figures = { ...bin, count: long, expected: double, dispersion: double, p: maybe, reason: string }
const indicators = { variance: maybe, autocorrelation: maybe }
const is = <T extends string>(text: T) => fc.constant(text)

const anyAlertEvent: fc.Arbitrary<AlertEvent> = fc.record({
  type: is('AlertEvent'),
  fingerprint: string,
  sequence: int,
  event: fc.constantFrom('opened', 'updated', 'resolved'),
  kind: string,
  severity: fc.constantFrom(...SEVERITIES),
  time: long,
  openedAt: long,
  subject: fc.oneof(
    fc.record({ type: is('series'), ...bin }),
    fc.record({ type: is('channel') }),
    fc.record({ type: is('cluster'), id: string, accounts: fc.array(long, { maxLength: 5 }), size: int }),
    fc.record({ type: is('community'), id: string, size: int }),
  ),
  reason: string,
  evidence: fc.array(
    fc.oneof(
      fc.record({ detector: is('early-warning'), ...figures, ...indicators, score: maybe }),
      fc.record({ detector: is('onset'), ...figures }),
      fc.record({ detector: is('collapse'), ...figures, ...indicators }),
      fc.record({
        detector: string,
        figures: fc.array(fc.record<Figure>({ name: string, value: double }), { maxLength: 5 }),
        reason: string,
      }),
    ),
    { maxLength: 5 },
  ),
  preset: string,
  settings: string,
})
