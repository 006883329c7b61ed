import { eventLogContract } from './contract/event-log.contract.ts'
import { memoryLog } from './event-log.fake.ts'

eventLogContract('the log in memory', async () => ({ log: memoryLog(), handsOver: 'cleanly' }))
