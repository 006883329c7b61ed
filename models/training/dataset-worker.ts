import { serve } from '../threads.ts'
import { makeDataset } from './dataset.ts'

serve(makeDataset)
