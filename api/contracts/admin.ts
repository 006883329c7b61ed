/** What commands are told while another process owns the data directory. Not in the public document. */
import { type Static, Type } from 'typebox'
import { Nullable } from './schema.ts'

export const Letter = Type.Object({
  source: Type.String({ description: 'Its id: topic, partition and offset, or file and line.' }),
  reason: Type.String(),
  key: Nullable(Type.String()),
  schemaId: Nullable(Type.Integer()),
  bytes: Type.Integer(),
  headers: Type.Record(Type.String(), Type.String()),
  value: Type.Optional(Nullable(Type.String({ description: 'In base64; only of one that was asked for.' }))),
})
export type Letter = Static<typeof Letter>

export const Redriven = Type.Object({
  redriven: Type.Integer({ description: 'Sent where they came from.' }),
  fromFiles: Type.Integer({ description: 'Lines of files, which were in no topic.' }),
})
export type Redriven = Static<typeof Redriven>

export const RoleOfRun = Type.Object({ run: Type.String(), role: Type.String() })
export type RoleOfRun = Static<typeof RoleOfRun>

export const AtWork = Type.Object({
  status: Type.String(),
  atWork: Type.Array(RoleOfRun, { description: 'Roles of this process, and of which run.' }),
})
export type AtWork = Static<typeof AtWork>
