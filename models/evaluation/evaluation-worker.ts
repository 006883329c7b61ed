import { serve } from '../threads.ts'
import { drawEvaluated, type MomentsJob } from './moments.ts'
import { drawStretches, type StretchJob } from './stretches.ts'

serve((job: MomentsJob | StretchJob) => ('stretch' in job ? drawStretches(job) : drawEvaluated(job)))
