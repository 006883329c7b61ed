import type { Command } from 'commander'
import type { Letter, Redriven } from '../../api/contracts/admin.ts'
import { type Client, connect } from '../../app/client.ts'
import { readConfig } from '../../app/config.ts'
import { FcmError } from '../../common/errors.ts'
import { oneLine, withoutSequences } from '../../common/text.ts'
import { withSettings } from '../settings.ts'
import { table } from '../table.ts'

export function deadLetters(program: Command): void {
  const command = program.command('dead-letters').description('Records that could not be processed')
  const sub = (name: string) =>
    withSettings(command.command(name), ['dataDir']).option('--run <name>', 'of which run', 'live')

  sub('list')
    .description('List them, with the reason')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  npx fcm dead-letters list --run history')
    .action((flags) =>
      asking(flags, async (client) => {
        const letters = await ask(client, flags.run)
        const rows = letters.map((l) => [l.source, l.bytes, l.reason])
        const empty = `Run "${flags.run}" has no dead letters.`
        process.stdout.write(
          flags.json
            ? `${JSON.stringify(letters, null, 2)}\n`
            : table(['source', 'bytes', 'reason'], rows, empty),
        )
      }),
    )

  sub('show <source>')
    .description('Show one, and how its bytes begin')
    .option('--raw', 'write its bytes alone, all of them, as they are')
    .addHelpText(
      'after',
      '\nExamples:\n  npx fcm dead-letters show fcm.live.activity/0/1234\n  npx fcm dead-letters show fcm.live.activity/0/1234 --raw > record.avro',
    )
    .action((source: string, flags) =>
      asking(flags, async (client) => {
        const [letter] = await ask(client, flags.run, source)
        if (!letter) throw new FcmError('DEAD_LETTER_UNKNOWN', { source, run: flags.run })
        const { value, ...rest } = letter
        const bytes = Buffer.from(value ?? '', 'base64')
        if (flags.raw) return void process.stdout.write(bytes)
        for (const [name, what] of Object.entries(rest)) {
          process.stdout.write(
            `${name}: ${oneLine(typeof what === 'string' ? what : JSON.stringify(what))}\n`,
          )
        }
        process.stdout.write(`value: ${beginning(bytes)}\n`)
      }),
    )

  sub('redrive [source...]')
    .description('Send them (default: all) where they came from, once their cause is mended')
    .addHelpText('after', '\nExample:\n  npx fcm dead-letters redrive fcm.live.activity/0/1234')
    .action((sources: string[], flags) =>
      asking(flags, async (client) => {
        const body = { run: flags.run, ...(sources.length > 0 ? { ids: sources } : {}) }
        const { redriven, fromFiles } = await client.json<Redriven>({
          method: 'POST',
          path: '/admin/dead-letters/redrive',
          body,
        })
        process.stdout.write(`${redriven} sent again.\n`)
        if (fromFiles > 0) {
          process.stdout.write(
            `${fromFiles} were lines of files: mend the files, and backfill them into a new run.\n`,
          )
        }
      }),
    )
}

/** As much as one can look at: a record may have megabytes. */
const SHOWN = 1000
/** What no text has: bytes that are not UTF-8, and control characters but white space. */
const NO_TEXT = /\uFFFD|[\p{Cc}--[\t\n\r]]/v

/** How bytes begin: as text where they are text, else in hexadecimal digits. */
export function beginning(bytes: Buffer): string {
  const text = withoutSequences(bytes.subarray(0, SHOWN).toString())
  // The last character may have been cut in two.
  const isText = !NO_TEXT.test(bytes.length > SHOWN ? text.slice(0, -1) : text)
  const more = bytes.length > SHOWN ? ` ... ${bytes.length - SHOWN} bytes more: --raw writes them all` : ''
  return (isText ? oneLine(text) : bytes.subarray(0, SHOWN).toString('hex')) + more
}

async function asking(
  flags: Record<string, unknown>,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const client = await connect(readConfig(flags))
  try {
    await work(client)
  } finally {
    await client.close()
  }
}

async function ask(client: Client, run: string, source?: string): Promise<Letter[]> {
  const query = new URLSearchParams({ run, ...(source ? { source } : {}) })
  return (await client.json<{ items: Letter[] }>({ path: `/admin/dead-letters?${query}` })).items
}
