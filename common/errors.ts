/**
 * Every error a person may meet, in one place. Each says what happened, why, and what to do.
 * A `FcmError` is printed as its message alone; anything else is a bug and is logged with its stack.
 */
import { oneLine } from './text.ts'

export type ErrorCode = keyof typeof errors

type Details = Record<string, string | number>

/** Characters of a detail that a message shows: what was given may have megabytes. */
const SHOWN = 500

type Text = (d: Details) => string
type Kind = { exit: number; retry: boolean; text: Text }

/** `passing`: the cause may pass by itself (a full disk, a server restarting), so the pipeline waits and tries again. */
function kinds<Code extends string>(
  cause: 'lasting' | 'passing',
  exit: number,
  texts: Record<Code, Text>,
): Record<Code, Kind> {
  const retry = cause === 'passing'
  const entries = Object.entries<Text>(texts).map(([code, text]) => [code, { exit, retry, text }])
  return Object.fromEntries(entries) as Record<Code, Kind>
}

const errors = {
  /** What was asked takes too much. */
  ...kinds('lasting', 1, {
    ANSWER_TOO_SLOW: (d) =>
      `The database has not answered within ${d.seconds} s, and was told to leave it. Ask for less: a shorter span, a smaller page.`,
  }),
  /** A mistake in what was asked. */
  ...kinds('lasting', 2, {
    OPTION_INVALID: (d) => `${d.option}: ${d.why}. ${d.hint}`,
    RUN_NAME_INVALID: (d) =>
      `"${d.run}" can't name a run. Use 1-40 of a-z, 0-9, "-" and "_", starting with a letter or digit.`,
    RUN_UNKNOWN: (d) => `There is no run "${d.run}". \`fcm runs list\` shows those there are.`,
    NO_ARCHIVE: (d) => {
      const { run, lines, others = 0, wrongClocks = 0 } = d
      const away = `\`fcm runs delete ${run}\` takes the run away.`
      const why = `\`fcm dead-letters list --run ${run}\` shows why`
      if (wrongClocks)
        return `None of its messages can be counted: ${wrongClocks === 1 ? 'one is' : `${wrongClocks} are`} signed ahead of this machine's clock, ${why}. Check that clock; --believe-clocks takes theirs. ${away}`
      if (others)
        return `None of ${Number(lines) + Number(others)} lines is a cast, a like, a recast or a removal: ${others === 1 ? 'one is a message' : `${others} are messages`} of other types, such as links and user data, which are not counted. ${away}`
      if (lines === 0) return `There is no line in it: the archive is empty. ${away}`
      return `None of ${lines} lines is a message as hubs write them: this is no archive. ${why}. ${away}`
    },
    ARCHIVE_DIFFERS: (d) =>
      `Run "${d.run}" was begun with ${d.with}. Go on with that, in that order, or give another --run.`,
    ARCHIVE_GREW: (d) =>
      `What has come to the archives of run "${d.run}" begins at ${d.earliest}, and up to ${d.decided} the run is decided: its bins never open again. Backfill all of it into a new run.`,
    SERIES_UNKNOWN: (d) => `Run "${d.run}" has no such series. /v1/series lists those there are.`,
    CHANNEL_UNKNOWN: (d) =>
      `No channel "${d.channel}" in run "${d.run}". Channels are named by their URL${d.hint}`,
    ALERT_UNKNOWN: () => 'There is no alert of this id.',
    RUN_IS_LIVE: (d) =>
      `Run "${d.run}" is what is watched: nothing is backfilled into it, and it isn't deleted by itself. Give a backfill another --run; to begin anew, \`fcm start --fresh\` deletes a data directory, and "Begin anew" in docs/deployment.md says how on Kafka.`,
    RUN_BUSY: (d) => `Run "${d.run}" is being written to. Wait until that has ended, or choose another run.`,
    RUN_DELETED: (d) =>
      `Run "${d.run}" was deleted, or is being deleted, while it was written to. Wait until that has ended, and begin it again if it is wanted.`,
    DEAD_LETTER_UNKNOWN: (d) =>
      `Run "${d.run}" has no dead letter "${d.source}". \`fcm dead-letters list --run ${d.run}\` shows those there are.`,
    /** What the API said to a command of ours, without a code; it has said all. */
    ASKED_WRONGLY: (d) => String(d.detail),
    SOURCE_DIFFERS: (d) =>
      `Run "${d.run}" holds ${d.before}, not ${d.now}. Go on with that; or begin anew with --fresh, or in another --data-dir and database, on Kafka with another cluster and database.`,
    FILE_UNREADABLE: (d) => `Can't read ${d.file}: ${d.why}.`,
    HUB_MESSAGE_INVALID: (d) => `This is no Farcaster message as hubs write them: ${d.why}.`,
    ARCHIVE_EMPTY: (d) =>
      `None of ${d.lines} lines in ${d.files} is a message as hubs write them: there is nothing to serve.`,
    ARCHIVE_JUMPS: (d) =>
      `The archive has nothing between ${d.before} and ${d.after}, ${d.days} days: every bin of them would be declared. ` +
      `Take wrong times out of it, or backfill the parts into runs of their own.`,
    DATA_DIR_MISSING: (d) =>
      `There is no data directory of fcm at ${d.dir}. \`fcm start\`, \`fcm run\` and \`fcm backfill\` make one; --data-dir names another.`,
    REGISTRY_MISSING: (d) =>
      `There is no schema registry at ${d.url}. Check SCHEMA_REGISTRY_URL: with Apicurio, it ends in /apis/ccompat/v7.`,
    FOLLOW_FULL: (d) =>
      `${d.most} channels are followed, and no more can be: the smallest are left out. Choose with --follow or --min-followers.`,
    FOLLOW_UNKNOWN: (d) =>
      `The server lists no channel ${d.unknown}. ${d.followed} are followed: check --follow, and that ids are meant where ids stand.`,
    MCP_SERVER_UNUSABLE: (d) =>
      `${d.server} can't be used as a Farcaster MCP server: ${d.why}. Give the URL, or the command, of one that has the tool get-channel-casts.`,
    PLACE_UNKNOWN: (d) =>
      `Run "${d.run}" has no place "${d.place}": it is of another run or database, or the database was restored from before it. Read the alerts anew, and go on from the last place.`,
    PLACE_EXPIRED: (d) =>
      `What happened in run "${d.run}" behind place "${d.place}" was deleted by age. Read the alerts anew, and go on from the last place.`,
  }),
  /** Something is missing here. */
  ...kinds('lasting', 3, {
    LISTEN_FAILED: (d) => `Can't listen on ${d.host}:${d.port}: ${d.why}. Check FCM_HOST and --port.`,
    PORT_IN_USE: (d) =>
      `Port ${d.port} on ${d.host} is taken by another program. Stop it, or choose another with --port.`,
    DATA_DIR_LOCKED: (d) =>
      `The data directory ${d.dir} is in use by ${d.pid ? `process ${d.pid}` : 'another fcm process'}. Stop it, or give this one its own with --data-dir.`,
    DATA_DIR_UNUSABLE: (d) => `Can't use the data directory ${d.dir}: ${d.why}.`,
    OWNER_UNREACHABLE: (d) =>
      `The data directory ${d.dir} is in use by process ${d.pid}, which does not answer at ${d.url}. Wait until it has started, or stop it.`,
    TABLES_NEWER: (d) =>
      `The tables of the database were made by a newer version of fcm (${d.what}). Use that version, or another database.`,
    TFJS_NODE_MISSING: (d) =>
      `TensorFlow can't be used: ${d.why}. \`npm run tfjs-node:install\` installs it.`,
    WEIGHTS_UNUSABLE: (d) =>
      `The weights of the CNN-LSTM in ${d.dir} can't be used: ${d.why}. Restore the directory from the repository, or make new ones with \`fcm train\`.`,
  }),
  ...kinds('passing', 3, {
    TABLES_OLDER: (d) =>
      `The database lacks ${d.what}: nobody has prepared it for this version of fcm. \`fcm migrate\` does, and nothing else.`,
  }),
  /** Something has failed, and does not come back by itself. */
  ...kinds('lasting', 4, {
    HUB_FAILED: (d) =>
      `The simulated hub did not start: ${d.why}. \`npx fcm hub\` starts one alone and tells more.`,
    POSITION_LOST: (d) =>
      `The activity log of run "${d.run}" no longer tells how far its source had come. Begin anew, with another run or with --fresh.`,
    BACKFILL_CUT: (d) =>
      `The backfill into "${d.run}" was cut off (${d.why}). The same command goes on from there.`,
    EXPORT_CUT: (d) => `The export ended before its end (${d.why}): what was written is not whole.`,
    LOG_BROKEN: (d) =>
      `The event log ${d.file} can't be used: ${d.why}. Begin anew with --fresh, or use another --data-dir.`,
    KAFKA_REFUSED: (d) =>
      `Kafka refuses: ${d.why}. Check the user and password, what it is allowed to do, and the brokers' rules for topics.`,
    RECORD_TOO_LARGE: (d) =>
      `A record is larger than Kafka takes in "${d.topic}". Raise the topic's max.message.bytes, as \`fcm migrate\` sets it.`,
    TOPIC_UNKNOWN: (d) => `There is no topic "${d.topic}" in this event log.`,
    OFFSET_OUT_OF_RANGE: (d) =>
      `Offset ${d.offset} of ${d.topic}/${d.partition} is not there: the log goes from ${d.first} to ${d.next}. ` +
      `Records were deleted before they were read, or the log was; process their time again in a new run.`,
    SCHEMA_INCOMPATIBLE: (d) =>
      `The schema of ${d.subject} is not backward compatible with version ${d.version}: ${d.why}.`,
    SCHEMA_UNREGISTERED: (d) =>
      `The schema registry ${d.url} does not have this program's schema of ${d.subject}. \`fcm migrate\` registers it.`,
    SCHEMA_REFUSED: (d) =>
      `The schema registry ${d.url} refuses the schema of ${d.subject}: ${d.why}. Its compatibility must be BACKWARD: set it with PUT ${d.url}/config/${d.subject}.`,
    REGISTRY_REFUSED: (d) =>
      `The schema registry ${d.url} refuses: ${d.why}. Check the user and password in SCHEMA_REGISTRY_URL.`,
    SCHEMA_UNKNOWN: (d) => `No schema has the id ${d.id}.`,
    RECORD_MALFORMED: (d) => `The record can't be used: ${d.why}.`,
    STATE_VERSION: (d) =>
      `The checkpoint of stage ${d.stage} was written by a newer program: state version ${d.found}, this one has ${d.expected}. ` +
      `Run the newer program.`,
    ROLE_REPLACED: (d) =>
      `A newer version of fcm has taken over ${d.stage} of run ${d.run}: its state is of version ${d.found}, this program knows ${d.expected}. ` +
      `This process leaves that work to it, and waits to be replaced, too.`,
    BATCH_UNREADABLE: (d) =>
      `A batch of records in Kafka can't be unpacked (${d.codec}: ${d.why}). Let the topic take what its writers send ` +
      `(compression.type=producer, which \`fcm doctor\` looks at); what stands there is lost if no other replica has it whole.`,
    ROLE_FAILED: (d) => `Processing has stopped. ${d.why}`,
    SOURCE_SILENT: (d) =>
      `At ${d.at} there is no cast of the last days in any of ${d.channels} channels. Check that the hub is in step, by the same clock.`,
    SCORER_FAILED: (d) => `Scoring has stopped: ${d.why}. Start again; if it stays, choose another scorer.`,
  }),
  /** Something is away, or has to be waited for. */
  ...kinds('passing', 4, {
    RUN_TAKEN: (d) =>
      `Another process writes into run "${d.run}" of the same database. This one waits, and goes on when that has ended.`,
    LOG_FULL: (d) =>
      `The disk that holds ${d.file} is full. Free some space: nothing is lost, and work goes on by itself.`,
    KAFKA_UNREACHABLE: (d) =>
      `Kafka does not answer: ${d.why}. Check that its brokers run, and that KAFKA_BROKERS names them as this machine reaches them.`,
    REGISTRY_UNREACHABLE: (d) =>
      `The schema registry ${d.url} does not answer: ${d.why}. Check that it runs, and SCHEMA_REGISTRY_URL: with Apicurio, it ends in /apis/ccompat/v7.`,
    STATE_UNREADABLE: (d) =>
      `No checkpoint of stage ${d.stage}, partition ${d.partition}, in ${d.topic} is whole. This is tried again; if it stays so, restore the event log from a backup, or begin anew.`,
    SOURCE_AWAITS: (d) =>
      `Polling waits for an answer: ${d.why}. It goes on by itself as soon as there is one.`,
    SOURCE_TAKEN: () =>
      'Another process is the source, or was until a moment ago and is not missed yet. This one waits, and goes on in its place.',
    SOURCE_FAILS: (d) =>
      `All ${d.requests} requests of the last round failed: ${d.why}. Check the MCP server and the hub that it reads; what was missed is read when they answer again, or shown as a gap.`,
    CLOCK_BEHIND: (d) =>
      `This machine's clock stands at ${d.now}, before the last round of polls, at ${d.last}: polling waits until then. Set the clock right; if it was wrong before, begin anew with --fresh, or with another --data-dir.`,
    CLOCK_JUMPED: (d) =>
      `This machine's clock has jumped to ${d.wall}, while by the time that went by it is ${d.now}: polling waits until it has jumped back. Set the clock right; where it is right now, as after a pause of a virtual machine, start again.`,
    MCP_SERVER_AWAY: (d) =>
      `The Farcaster MCP server ${d.server} does not answer: ${d.why}. Check that it runs: polling goes on as soon as it does.`,
    DATABASE_UNREACHABLE: (d) =>
      `The database does not answer: ${d.why}. Check the disk and, where DATABASE_URL is set, that its server runs.`,
    /** The API has no place for a command of ours; it has said all. */
    ANSWER_AWAY: (d) => String(d.detail),
  }),
  /** As of an error that is none of these, which the API has met and logged. */
  ...kinds('lasting', 70, { FAULT: (d) => String(d.detail) }),
}

export class FcmError extends Error {
  override name = 'FcmError'
  readonly code: ErrorCode
  readonly details: Details
  readonly exit: number
  readonly retry: boolean

  constructor(code: ErrorCode, details: Details, cause?: unknown) {
    const kind = errors[code]
    super(kind.text(shown(details)), cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
    this.exit = kind.exit
    this.retry = kind.retry
  }
}

const MOST_WORDS = 4000

/** An error that the API tells of, in its words; `code` may be none that is known here, which is `otherwise`. */
export function toldError(code: string, words: string, otherwise: ErrorCode): FcmError {
  const error = new FcmError(Object.hasOwn(errors, code) ? (code as ErrorCode) : otherwise, {})
  error.message = oneLine(words, MOST_WORDS)
  return error
}

/** Details quote what people and strangers wrote: a message stays one line, and nothing in it drives a terminal. */
function shown(details: Details): Details {
  const show = (value: string): string => {
    const line = oneLine(value, SHOWN + 1)
    return line.length <= SHOWN ? line : `${line.slice(0, SHOWN).toWellFormed()}…`
  }
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, typeof value === 'string' ? show(value) : value]),
  )
}
