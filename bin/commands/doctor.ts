import type { Command } from 'commander'
import { readConfig } from '../../app/config.ts'
import { examineAll } from '../../app/doctor/doctor.ts'
import { withSettings } from '../settings.ts'

const MARK = { ok: 'ok  ', attention: '!   ', broken: 'FAIL' }

export function doctor(program: Command): void {
  withSettings(program.command('doctor'), ['dataDir'])
    .description('Check what fcm needs, and say how to mend it')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  npx fcm doctor')
    .action(async (flags) => {
      const findings = await examineAll(readConfig(flags))
      const text = findings.map(
        ({ state, check, found, mend }) =>
          `${MARK[state]}  ${check}: ${found}${mend ? `\n      ${mend}` : ''}\n`,
      )
      process.stdout.write(flags.json ? `${JSON.stringify(findings, null, 2)}\n` : text.join(''))
      if (findings.some(({ state }) => state === 'broken')) process.exitCode = 1
    })
}
