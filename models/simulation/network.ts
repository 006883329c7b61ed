import { DAY, HOUR, WEEK } from '../../common/time.ts'
import type { Random } from '../random.ts'

/** Draws an account; those that act more come up more often. */
export type Crowd = { fids: number[]; draw(random: Random): number }

export type Channel = {
  /** Its parent URL; null: posts in no channel. */
  url: string | null
  topic: string
  /** Mean casts a day while nothing is planted. */
  castsPerDay: number
  /** Branching ratio: the mean number of casts that a cast begets. */
  ratio: number
  /** Mean reactions to a cast, before recasts pass it on. */
  reactions: number
  /** The daily and weekly cycle at a time: a factor of mean 1 over the week. */
  cycle(time: number): number
  crowd: Crowd
}

const TOPICS = (
  'farcaster base founders music art photography food cycling books gaming memes running travel coffee ' +
  'gardening film design climbing writing science parenting history chess cooking space dogs woodworking'
).split(' ')
const OTHER_SHAPES: [url: string, topic: string][] = [
  ['https://onchain-picnic.example', 'picnic'],
  ['https://openstudio.example/forum', 'studio'],
  ['chain://eip155:1/erc721:0x7c1d4f0b2a9e8d6c5b3a1f0e9d8c7b6a5f4e3d2c', 'portraits'],
  ['chain://eip155:8453/erc721:0x0b9a8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b', 'pixels'],
]

const ACCOUNTS = 640
/** Many post in no channel. */
const NO_CHANNEL_RANK = 2
/** Casts a day of the largest channel; that of rank k has about 1/k^1.15 of it, as real channels do. */
const LARGEST = 1180

/** The channels, largest first, and who speaks in them. What is first in `TOPICS` tends to be large. */
export function createNetwork(random: Random): Channel[] {
  const accounts = createAccounts(random.fork('accounts'))
  const places: [url: string | null, topic: string][] = [
    ...TOPICS.map((topic): [string, string] => [`https://warpcast.com/~/channel/${topic}`, topic]),
    ...OTHER_SHAPES,
  ]
  const shuffle = random.fork('ranks')
  const ranked = places
    .map((place, i) => ({ place, key: Math.log(i + 3) + 0.5 * shuffle.normal() }))
    .sort((a, b) => a.key - b.key)
    .map(({ place }) => place)
  ranked.splice(NO_CHANNEL_RANK, 0, [null, 'everyday'])
  return ranked.map(([url, topic], rank) => {
    const own = random.fork(`channel ${url}`)
    const size = (rank + 1) ** -1.15
    return {
      url,
      topic,
      castsPerDay: LARGEST * size * (0.9 + 0.2 * own.next()),
      ratio: 0.4 + 0.2 * own.next(),
      reactions: 1.5 + 0.8 * own.next(),
      cycle: createCycle(own),
      crowd: createCrowd(accounts, url === null ? ACCOUNTS : Math.round(30 + 300 * size ** 0.6), own),
    }
  })
}

type Account = { fid: number; activity: number }

/** Log-normal activity: a tenth of the accounts does about half of all. */
function createAccounts(random: Random): Account[] {
  const fids = new Set<number>()
  while (fids.size < ACCOUNTS) fids.add(1 + Math.floor(400_000 * random.next() ** 2))
  return [...fids].map((fid) => ({ fid, activity: Math.exp(1.2 * random.normal()) }))
}

/** `size` members, the active likelier ones (Efraimidis & Spirakis 2006), each with a liking of its own. */
function createCrowd(accounts: Account[], size: number, random: Random): Crowd {
  const members = accounts
    .map((account) => ({ ...account, key: random.exponential(1) / account.activity }))
    .sort((a, b) => a.key - b.key)
    .slice(0, size)
  const fids = members.map((m) => m.fid)
  let total = 0
  const cumulative = members.map((m) => {
    total += m.activity * Math.exp(0.8 * random.normal())
    return total
  })
  return {
    fids,
    draw(random) {
      const x = random.next() * total
      let low = 0
      let high = cumulative.length - 1
      while (low < high) {
        const middle = (low + high) >> 1
        if (cumulative[middle]! > x) high = middle
        else low = middle + 1
      }
      return fids[low]!
    },
  }
}

const STEP = DAY / 288
const DAY_OF_EPOCH = 4 // 1970-01-01 was a Thursday; Sunday is 0

/** Most peak in the American afternoon and European evening (UTC 14-20), some elsewhere. */
function createCycle(random: Random): (time: number) => number {
  const peak = random.next() < 0.8 ? 17 + 2 * random.normal() : 24 * random.next()
  const amplitude = 0.45 + 0.45 * random.next()
  const second = 0.15 * random.next()
  const weekend = Math.exp(0.25 * random.normal() - 0.15)
  const table = Float64Array.from({ length: WEEK / STEP }, (_, i) => {
    const angle = (2 * Math.PI * ((i * STEP) / HOUR - peak)) / 24
    const day = (Math.floor((i * STEP) / DAY) + DAY_OF_EPOCH) % 7
    const factor = day === 0 || day === 6 ? weekend : 1
    return factor * Math.exp(amplitude * Math.cos(angle) + second * Math.cos(2 * angle))
  })
  const mean = table.reduce((sum, x) => sum + x, 0) / table.length
  return (time) => table[Math.floor((time % WEEK) / STEP)]! / mean
}
