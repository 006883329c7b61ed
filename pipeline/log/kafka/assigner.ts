/** Who of a group gets which partitions, as kafkajs asks for it: decided by one member, from what each says that it holds. */
import kafkajs, { type PartitionAssigner } from 'kafkajs'
import { assign, nameOf } from '../assignment.ts'
import type { TopicPartition } from '../port.ts'

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol

const NAME = 'fcm-sticky'
const VERSION = 1

/** `held`: the partitions that this member has now. `partitions`: how many a topic has. */
export const assigner =
  (held: () => TopicPartition[], partitions: (topic: string) => Promise<number>): PartitionAssigner =>
  () => ({
    name: NAME,
    version: VERSION,

    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(JSON.stringify(held())),
      }),
    }),

    async assign({ members: all }) {
      const members = all
        .map(({ memberId, memberMetadata }) => {
          const { topics, userData } = MemberMetadata.decode(memberMetadata)!
          const holds = JSON.parse(userData.toString()) as TopicPartition[]
          return { memberId, topics, holds: new Set(holds.map(nameOf)) }
        })
        .sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
      const names = [...new Set(members.flatMap(({ topics }) => topics))].sort()
      const topics = await Promise.all(
        names.map(async (name) => ({
          name,
          partitions: await partitions(name),
          subscribers: members.filter((member) => member.topics.includes(name)),
        })),
      )
      // One that was away for long may still believe that it holds what another has: the first one keeps it, and comes to the
      // same, or, a leader, is given it anew.
      const shares = assign(members, topics, (tp) => members.find(({ holds }) => holds.has(nameOf(tp))))
      return [...shares].map(([{ memberId }, tps]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment: Object.fromEntries(
            names.map((name) => [
              name,
              tps.filter(({ topic }) => topic === name).map(({ partition }) => partition),
            ]),
          ),
          userData: Buffer.alloc(0),
        }),
      }))
    },
  })
