import { openScorer } from '../../models/cnn-lstm/scorer.ts'
import { makeNullsAhead } from '../../models/early-warning/nulls-ahead.ts'
import { runStage } from '../../pipeline/runtime/run-stage.ts'
import { detectStage } from '../../pipeline/stages/detect/detect.ts'
import { partitionsRead, type StartRole } from './role.ts'

/** With its scorer, and while alerts are timed with a thread that makes nulls before they are asked for. */
export const detect: StartRole = async (host, { config }) => {
  const partitions = await partitionsRead(host, 'detect')
  const scorer = await openScorer(config.scorer)
  // Only the default gives the same bits everywhere: what others decide must not look like its.
  const model = scorer.backend === 'wasm' ? scorer.model : `${scorer.model}/${scorer.backend}`
  const scoring = { model, score: scorer.score }
  const nulls = makeNullsAhead(() => !host.metrics.latency.untimed.has(host.run))
  const close = async () => {
    await scorer.close()
    await nulls.close()
  }
  const stage = detectStage({ run: host.run, preset: config.preset, scoring, partitions })
  const running = runStage(host, stage)
  const { stop } = await running.catch(async (error) => {
    await close()
    throw error
  })
  return {
    stop: async () => {
      await stop()
      await close()
    },
  }
}
