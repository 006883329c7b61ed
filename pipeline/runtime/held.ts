/**
 * What an operator sees of the partitions that a process holds: that they come and go, how far the restoring of their
 * state is, how old their checkpoints are, and whether a handler hangs. What is told of a partition ends when it goes.
 */
import { Counter, Gauge, type Registry } from 'prom-client'

export type Place = { run: string; role: string; topic: string; partition: number }

/** A checkpoint as it stands in the log. */
export type Saved = { offset: number; bytes: number; time: number }

/** A partition in the hands of this process. */
export type Held = {
  /** Its state is being restored: so many of so many bytes are read. */
  restoring(read: number, total: number): void
  /** It stands, from a checkpoint, or at its beginning. */
  restored(from: Saved | null): void
  /** Its state is being rebuilt from the input: this share of that, 0 to 1, it has gone over. 1: it is done. */
  rebuilding(share: number): void
  /** `figures`: what the stage says of its state. */
  saved(checkpoint: Saved, figures: Record<string, number>): void
  handling<T>(work: () => Promise<T>): Promise<T>
  gone(): void
}

type Seen = Place & {
  since: number
  /** Until it is done. */
  rebuilt?: number
  restore?: { read: number; total: number; ended?: number }
  saved?: Saved
  figures: Record<string, number>
  /** When the batch came that is being handled. */
  batchAt?: number
}

const ROLE = ['run', 'role'] as const
const PARTITION = ['run', 'role', 'partition'] as const

/** `now`: wall clock in ms. */
export function createHeld(registry: Registry, now: () => number): (place: Place) => Held {
  const registers = [registry]
  const all = new Set<Seen>()
  const count = new Gauge({
    name: 'fcm_partitions_held',
    help: 'Partitions that this process holds',
    labelNames: ['run', 'role', 'topic'] as const,
    registers,
  })
  const assigned = new Counter({
    name: 'fcm_partitions_assigned_total',
    help: 'Partitions that came to this process: at its start, and in rebalances',
    labelNames: ROLE,
    registers,
  })
  const revoked = new Counter({
    name: 'fcm_partitions_revoked_total',
    help: 'Partitions that went from this process: in rebalances, and when it stops',
    labelNames: ROLE,
    registers,
  })

  /** A gauge that is worked out when it is asked for. */
  function told<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    tell: (gauge: Gauge<Label>) => void,
  ): void {
    new Gauge({
      ...{ name, help, labelNames, registers },
      collect() {
        this.reset()
        tell(this)
      },
    })
  }
  const ofEach =
    (value: (one: Seen) => number | undefined) => (gauge: Gauge<'run' | 'role' | 'partition'>) => {
      for (const one of all) {
        const { run, role, partition } = one
        const known = value(one)
        if (known !== undefined) gauge.set({ run, role, partition }, known)
      }
    }
  const secondsSince = (time: number): number => Math.max(0, now() - time) / 1000

  told(
    'fcm_checkpoint_age_seconds',
    "Time since a partition's last checkpoint; without one, since it came",
    PARTITION,
    ofEach(({ restore, saved, since }) => restore && secondsSince(saved?.time ?? since)),
  )
  told(
    'fcm_checkpoint_offset',
    "Offset of the input that a partition's last checkpoint stands before",
    PARTITION,
    ofEach(({ saved }) => saved?.offset),
  )
  told(
    'fcm_checkpoint_bytes',
    "Size of a partition's last checkpoint",
    PARTITION,
    ofEach(({ saved, restore }) => saved?.bytes ?? (restore?.total || undefined)),
  )
  told(
    'fcm_restore_read_bytes',
    'How much of its checkpoint was read, when the partition came',
    PARTITION,
    ofEach(({ restore }) => restore?.read),
  )
  told(
    'fcm_restore_seconds',
    'How long the restoring of a partition took, or has taken so far',
    PARTITION,
    ofEach(
      ({ restore, since }) => restore && (restore.ended === undefined ? secondsSince(since) : restore.ended),
    ),
  )
  told(
    'fcm_rebuild_ratio',
    'Share, 0 to 1, of the input that a partition has gone over whose state of an older version is being rebuilt',
    PARTITION,
    ofEach(({ rebuilt }) => rebuilt),
  )
  told('fcm_partitions_restoring', 'Partitions whose state is being restored', ROLE, (gauge) => {
    for (const { run, role, restore } of all)
      if (restore) gauge.inc({ run, role }, restore.ended === undefined ? 1 : 0)
  })
  told(
    'fcm_oldest_batch_seconds',
    'How long the oldest batch that is being handled has been; 0: none is',
    ROLE,
    (gauge) => {
      const oldest = new Map<string, { run: string; role: string; seconds: number }>()
      for (const { run, role, batchAt } of all) {
        const seconds = batchAt === undefined ? 0 : secondsSince(batchAt)
        const before = oldest.get(`${run} ${role}`)?.seconds ?? 0
        oldest.set(`${run} ${role}`, { run, role, seconds: Math.max(before, seconds) })
      }
      for (const { seconds, ...labels } of oldest.values()) gauge.set(labels, seconds)
    },
  )
  told(
    'fcm_stage_state',
    'What a stage says of its state, at its last checkpoint',
    [...PARTITION, 'figure'] as const,
    (gauge) => {
      for (const { run, role, partition, figures } of all)
        for (const [figure, value] of Object.entries(figures))
          gauge.set({ run, role, partition, figure }, value)
    },
  )

  return (place) => {
    const { run, role, topic } = place
    const one: Seen = { ...place, since: now(), figures: {} }
    all.add(one)
    assigned.inc({ run, role })
    count.inc({ run, role, topic })
    return {
      restoring(read, total) {
        one.restore = { read, total }
      },
      restored(from) {
        one.restore = { read: 0, total: 0, ...one.restore, ended: secondsSince(one.since) }
        if (from) one.saved = from
      },
      rebuilding(share) {
        if (share < 1) one.rebuilt = share
        else delete one.rebuilt
      },
      saved(checkpoint, figures) {
        one.saved = checkpoint
        one.figures = figures
      },
      async handling(work) {
        one.batchAt = now()
        try {
          return await work()
        } finally {
          delete one.batchAt
        }
      },
      gone() {
        if (!all.delete(one)) return
        revoked.inc({ run, role })
        count.dec({ run, role, topic })
      },
    }
  }
}
