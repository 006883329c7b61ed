import avro from 'avsc'
import fc from 'fast-check'
import { readSchema } from './codec.ts'
import type { FcmRecord, RecordType } from './records.ts'

/** Any record of a type, drawn from its Avro schema. */
export const anyRecord = (type: RecordType): fc.Arbitrary<FcmRecord> =>
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
