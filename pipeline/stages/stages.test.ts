import { placed, polled, whole } from '../../connectors/farcaster/activity.fixture.ts'
import { createPipeline } from '../testing/pipeline.ts'
import type { Topic } from '../topology.ts'
import { countStage } from './count/count.ts'
import { detectStage } from './detect/detect.ts'
import { scoring } from './detect/testing.ts'
import { stageContract } from './stage.contract.ts'
import { sumStage } from './sum.ts'

const activity = async () => placed([...polled()].flat(), 1)
/** What stands on a topic, behind the stages that write to it. */
const on = (topic: Topic) => async () => {
  const outputs = await createPipeline([countStage(), sumStage()]).write(
    'activity',
    placed([...whole()].flat(), 1),
  )
  return outputs.filter((output) => output.topic === topic)
}

stageContract(countStage, activity)
stageContract(sumStage, on('partials'))
stageContract(() => detectStage({ run: 'live', scoring }), on('counts'))
