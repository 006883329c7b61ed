import { type NetworkFigures, SEEN } from './figures.ts'

/** The figures in words, as `fcm evaluate --networks` prints them. */
export function networkReport(f: NetworkFigures): string {
  const of = (n: number, all: number): string =>
    `${n} of ${all}${all > 0 ? ` (${Math.round((100 * n) / all)} %)` : ''}`
  const at = (share: number): string => f.leads[Math.floor(share * (f.leads.length - 1))]?.toFixed(1) ?? '-'
  const rate = (n: number, days: number): string => (days > 0 ? (n / days).toFixed(3) : '-')
  const { cascades, bursts, collapses, network } = f
  const { ramp, burst, group, collapse, nothing } = f.falseWarnings
  const falseWarnings = ramp + burst + group + collapse + nothing
  const source = f.polled
    ? 'one that polls: posts at once, replies and reactions 70 minutes late'
    : 'one that sees all at once'
  const together = ({ opened, building }: { opened: number; building: number }): string =>
    `${opened}, ${building} of them while a cascade was building up in any channel`
  const line = (what: string, text: string): string => `${`${what}:`.padEnd(41)}${text}`
  return [
    `${f.networks} networks, ${Math.round(f.days)} channel-days, ${f.judgedDays} of them judged by 5 minutes. Source: ${source}.`,
    '',
    line(
      'Cascades warned of before their break',
      `${of(cascades.warned, cascades.judged)} in channels large enough to be judged`,
    ),
    line('  under way when live time begins', of(cascades.liveWarned, cascades.live)),
    line('  in smaller channels', of(cascades.smallWarned, cascades.planted - cascades.judged)),
    line(
      '  lead time',
      `median ${at(0.5)} h, quartiles ${at(0.25)} and ${at(0.75)} h: hours from the moment it is told to the break`,
    ),
    line('  opened after the break', `${f.late} early warnings, neither in time nor false`),
    line(
      'False early warnings',
      `${falseWarnings}, ${rate(falseWarnings, f.judgedDays)} per judged channel-day (budget 0.05)`,
    ),
    line(
      '  of these during',
      `ramps ${ramp}, bursts ${burst}, groups ${group}, collapses ${collapse}, nothing ${nothing}`,
    ),
    line(
      'Bursts from outside told as onset',
      `${of(bursts.seenOnset, bursts.seen)} that reach ${SEEN} casts in 5 minutes; ${of(bursts.onset, bursts.planted)} of all`,
    ),
    line(
      'Onsets while nothing was planted',
      `${f.falseOnsets}, ${rate(f.falseOnsets, f.days)} per channel-day`,
    ),
    line('Collapses found', of(collapses.found, collapses.planted)),
    line(
      'Collapses while none was planted',
      `${f.falseCollapses}, ${rate(f.falseCollapses, f.days)} per channel-day`,
    ),
    line('Over all channels (*), early warnings', together(network.warnings)),
    line('Over all channels (*), onsets', together(network.onsets)),
    '',
  ].join('\n')
}
