/** One stage alone, in memory: for tests, evaluations, and as a part of the whole (`pipeline.ts`). */
import { deserialize, serialize } from 'node:v8'
import type { FcmRecord } from '../../schemas/records.ts'
import type { Input, InputOf, Stage } from '../runtime/stage.ts'
import type { StageRole, Topic } from '../topology.ts'

/** A record that a stage has written. */
export type Output = { topic: Topic; key: string; record: FcmRecord }

export type Drive = {
  /** Most records between two calls of `settle`. */
  batch?: number
  partition?: number
  /** Encode and decode the state after every batch, as a restart from a checkpoint would. */
  restart?: boolean
}

export type Driven = {
  /** What it writes for its next inputs. */
  take(inputs: readonly Input[]): Promise<Output[]>
  /** What it says of its state. */
  gauges(): Record<string, number>
}

/** A stage over one partition of its input. */
export function driven<Name extends StageRole, S>(
  stage: Stage<Name, S>,
  { batch = 1000, partition = 0, restart = false }: Drive = {},
): Driven {
  let state = stage.initial(partition)
  return {
    async take(inputs) {
      const outputs: Output[] = []
      for (let at = 0; at < inputs.length; at += batch) {
        for (const input of inputs.slice(at, at + batch)) stage.apply(state, input as InputOf<Name>)
        await stage.settle(state, (topic, key, record) => outputs.push({ topic, key, record }))
        if (restart) state = deserialize(serialize(state))
      }
      return outputs
    },
    gauges: () => stage.gauges?.(state) ?? {},
  }
}

/** What a stage writes for these inputs, from its beginning. */
export const drive = <Name extends StageRole, S>(
  stage: Stage<Name, S>,
  inputs: readonly Input[],
  options?: Drive,
): Promise<Output[]> => driven(stage, options).take(inputs)

/** Outputs by key, each in its order: what a reader of any partitioning sees. */
export function byKey(outputs: readonly Output[]): Map<string, FcmRecord[]> {
  const keys = new Map<string, FcmRecord[]>()
  for (const { key, record } of outputs) keys.set(key, [...(keys.get(key) ?? []), record])
  return new Map([...keys].sort(([a], [b]) => (a < b ? -1 : 1)))
}
