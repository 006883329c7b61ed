/** Drives a stage in tests, without log or clock. */
import { deserialize, serialize } from 'node:v8'
import type { FcmRecord } from '../../schemas/records.ts'
import type { Input, InputOf, Stage } from '../runtime/stage.ts'
import type { StageRole, Topic } from '../topology.ts'

export type Output = { topic: Topic; key: string; record: FcmRecord }

export type Drive = {
  /** Records between two calls of `settle`. */
  batch?: number
  partition?: number
  /** Encode and decode the state after every batch, as a restart from a checkpoint would. */
  restart?: boolean
}

/** What a stage writes for these inputs. */
export async function drive<Name extends StageRole, S>(
  stage: Stage<Name, S>,
  inputs: readonly Input[],
  options: Drive = {},
): Promise<Output[]> {
  const { batch = 1000, partition = 0, restart = false } = options
  const outputs: Output[] = []
  let state = stage.initial(partition)
  for (let at = 0; at < inputs.length; at += batch) {
    for (const input of inputs.slice(at, at + batch)) stage.apply(state, input as InputOf<Name>)
    await stage.settle(state, (topic, key, record) => outputs.push({ topic, key, record }))
    if (restart) state = deserialize(serialize(state))
  }
  return outputs
}

/** Outputs by key, each in its order: what a reader of any partitioning sees. */
export function byKey(outputs: readonly Output[]): Map<string, FcmRecord[]> {
  const keys = new Map<string, FcmRecord[]>()
  for (const { key, record } of outputs) keys.set(key, [...(keys.get(key) ?? []), record])
  return new Map([...keys].sort(([a], [b]) => (a < b ? -1 : 1)))
}
