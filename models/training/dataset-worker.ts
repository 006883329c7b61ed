import { makeDataset } from './dataset.ts'
import { serve } from './threads.ts'

serve(makeDataset)
