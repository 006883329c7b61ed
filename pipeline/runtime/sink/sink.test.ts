import { BASE } from '../../../common/time.ts'
import { sinkContract } from './sink.contract.ts'
import { memorySink } from './sink.fake.ts'

const bin = (n: number, seconds = 300) => ({
  key: 'c',
  record: {
    ...({ type: 'BinClosed', start: n * BASE, seconds } as const),
    bins: [{ measure: 'posts' as const, count: n, covered: 1, masked: false }],
  },
})

sinkContract(
  'the sink in memory',
  async () => {
    const sink = memorySink((record) => ('seconds' in record && record.seconds !== 300 ? 'odd' : null))
    return { sink, contents: async () => sink.held }
  },
  Array.from({ length: 20 }, (_, n) => bin(n)),
  bin(1, 7),
)
