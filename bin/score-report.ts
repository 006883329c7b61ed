/** What `fcm evaluate` prints of the score. */
import { REPLY_BASELINES } from '../models/evaluation/baselines.ts'
import type { Compared, Estimate } from '../models/evaluation/bootstrap.ts'
import { type Areas, BUDGET, type Evaluation, SCORE, SCORE_WITHOUT } from '../models/evaluation/evaluate.ts'
import type { Family } from '../models/simulation/series/series.ts'
import { BASE_RATE } from '../models/training/train.ts'
import { table } from './table.ts'

/** Tables, and in plain words what they say. */
export function report(e: Evaluation): string {
  const families = [...new Set(e.areas.map(({ family }) => family))]
  return [
    `Model ${e.model}, series of seed ${e.seed}. Trained on the mechanism hawkes alone.\n`,
    ...families.map((family) =>
      areas(
        family,
        e.areas.filter((a) => a.family === family),
      ),
    ),
    kinds(e, families),
    warnings(e),
    reliability(e),
    families
      .map((family) =>
        verdict(
          family,
          e.areas.filter((a) => a.family === family),
        ),
      )
      .join(''),
  ].join('\n')
}

const two = (x: number): string => (Number.isNaN(x) ? '-' : x.toFixed(3).replace(/^0/, ''))
const range = ({ value, low, high }: Estimate): string => `${two(value)} (${two(low)}-${two(high)})`

function areas(family: Family, of: readonly Areas[]): string {
  const [first] = of
  const rows = first!.compared.map(({ name }, i) => [
    name,
    ...of.map(({ compared }) => range(compared[i]!.auc)),
  ])
  const sizes = of.map((a) => `${a.mean}: ${a.positives}/${a.negatives} of ${a.series}`).join('; ')
  return (
    `${family}${family === 'hawkes' ? '' : ' (nothing was trained on it)'}: ROC AUC by the mean casts per 5 minutes, with 95 % intervals\n\n` +
    `${table(['', ...of.map(({ mean }) => String(mean))], rows, '')}\n` +
    `Moments that tip / that do not, of how many series: ${sizes}.\n`
  )
}

function kinds({ kinds: all }: Evaluation, families: readonly Family[]): string {
  const names = [...new Set(all.map(({ kind }) => kind))]
  const rows = names.map((kind) => [
    kind,
    ...families.flatMap((family) => {
      const area = all.find((k) => k.family === family && k.kind === kind)
      return area ? [two(area.score), two(area.without)] : ['-', '-']
    }),
  ])
  const columns = ['against', ...families.flatMap((family) => [family, `${family}, replies unknown`])]
  return `ROC AUC of the score against each kind of series that does not tip, all means together\n\n${table(columns, rows, '')}`
}

function warnings({ warned }: Evaluation): string {
  const rows = warned.map((w) => [
    w.family,
    w.name,
    `${Math.round(100 * w.found)} %`,
    Number.isNaN(w.leadHours) ? '-' : `${w.leadHours.toFixed(1)} h`,
    w.quiet.toFixed(2),
    w.lookAlikes.toFixed(2),
  ])
  const columns = ['family', '', 'in time', 'ahead', 'quiet', 'look-alikes']
  return (
    `Warnings at a threshold with ${BUDGET} false ones per channel-day where nothing happens (set on other series, hawkes).\n` +
    'in time: share of tipping series warned of before the break; ahead: median time before it;\n' +
    'quiet, look-alikes: false warnings per channel-day where nothing happens, where something looks like it\n\n' +
    table(columns, rows, '')
  )
}

function reliability({ reliability: bins }: Evaluation): string {
  if (bins.length === 0) return ''
  const rows = bins
    .filter(({ moments }) => moments > 0)
    .map((b) => [`${b.from}-${b.to}`, b.moments, b.score.toFixed(3), b.tips.toFixed(3)])
  return (
    `Is the score a probability? Moments of hawkes weighted so that ${100 * BASE_RATE} % tip, the base rate it is calibrated for.\nIn a quiet network far fewer do: there it is an order, and no probability\n\n` +
    table(['score', 'moments', 'mean score', 'share that tips'], rows, '')
  )
}

/** Against each baseline: at which means the score is better beyond the interval of the difference, and where not. */
function verdict(family: Family, of: readonly Areas[]): string {
  const needsReplies = (name: string): boolean => (REPLY_BASELINES as readonly string[]).includes(name)
  const means = of.map(({ mean }) => mean).join(', ')
  return [SCORE, SCORE_WITHOUT]
    .map((score, which) => {
      const baselines = of[0]!.compared
        .map(({ name }) => name)
        .filter((name) => name !== SCORE && name !== SCORE_WITHOUT && (which === 0 || !needsReplies(name)))
      const misses = baselines.flatMap((name) => {
        const where = of.filter(({ compared }) => !((gapOf(compared, name, which)?.low ?? -1) > 0))
        return where.length > 0 ? [`${name} (${where.map(({ mean }) => mean).join(', ')})`] : []
      })
      const beaten = baselines.length - misses.length
      const all = misses.length === 0 ? `each of the ${beaten}` : `${beaten} of ${baselines.length}`
      const but = misses.length === 0 ? '.' : `. Not at every mean above: ${misses.join(', ')}.`
      return `${family}: the ${score} is above ${all} baselines beyond the 95 % interval of the difference at ${means} per bin${but}\n`
    })
    .join('')
}

const gapOf = (compared: readonly Compared[], name: string, which: number): Estimate | undefined =>
  compared.find((c) => c.name === name)?.gaps[which]
