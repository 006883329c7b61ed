/** What a hub answers: the Hub HTTP API as Snapchain gives it, and the channel list. */
import { createHash } from 'node:crypto'
import { SECOND } from '../../../common/time.ts'
import type { HubData } from './data.ts'
import { castKey, type Entry, jsonOf, reactionType, urlKey } from './entry.ts'
import { SHARDS } from './events.ts'
import { BadQuery, type Query, Refused, writeToken } from './query.ts'
import { type HubStore, LISTS, type PageQuery } from './store.ts'

/** Makes the body of an answer. @throws BadQuery, Refused */
export type Route = (query: Query, now: number) => string

export function createRoutes(data: HubData, store: HubStore): Map<string, Route> {
  const page = (list: string, query: PageQuery): string => {
    const entries = store.page(list, query)
    // As with hubs, a full last page has a token too, and an empty page follows.
    const next = entries.length === query.size ? writeToken(entries.at(-1)!) : ''
    return `{"messages":[${entries.map(jsonOf).join(',')}],"nextPageToken":"${next}"}`
  }

  const reactions = (target: string, query: Query): string => {
    const named = query.text('reaction_type')
    const type = named === undefined ? undefined : reactionType(named)
    if (type === null) throw new BadQuery(`reaction_type: unknown variant`)
    const keep = (entry: Entry) => type === undefined || (entry.kind === 'reaction' && entry.type === type)
    return page(LISTS.reactionsTo(target), { ...query.page(), keep })
  }

  const links = (list: string, query: Query): string => {
    const type = query.text('link_type')
    const keep = (entry: Entry) => type === undefined || (entry.kind === 'link' && entry.type === type)
    return page(list, { ...query.page(), keep })
  }

  function info(_query: Query, now: number): string {
    const shardInfos = SHARDS.map((shardId) => {
      const { messages, fids } = store.count(shardId)
      return {
        shardId,
        maxHeight: store.events.height(now),
        numMessages: messages,
        numFidRegistrations: fids,
      }
    })
    const sum = (field: 'numMessages' | 'numFidRegistrations') =>
      shardInfos.reduce((total, shard) => total + shard[field], 0)
    return JSON.stringify({
      dbStats: { numMessages: sum('numMessages'), numFidRegistrations: sum('numFidRegistrations') },
      numShards: SHARDS.length,
      shardInfos,
      version: 'fcm hub',
    })
  }

  function castsByParent(query: Query): string {
    const url = query.text('url')
    const fid = query.whole('fid')
    const hash = query.hash('hash')
    const list = query.page()
    if (url !== undefined) return page(LISTS.under(urlKey(url)), list)
    if (fid === undefined || hash === undefined) {
      throw new Refused('bad_request.invalid_param', 'Either fid and hash, or url must be provided')
    }
    return page(LISTS.under(castKey(fid, hash)), list)
  }

  function castById(query: Query): string {
    const cast = store.cast(query.requiredWhole('fid'), query.requiredHash('hash'))
    if (!cast) throw new Refused('not_found', 'cast not found')
    return jsonOf(cast)
  }

  function userNameProofByName(query: Query): string {
    const name = query.requiredText('name')
    const entry = store.name(name)
    if (!entry) throw new Refused('not_found', `username proof not found`)
    if (entry.kind === 'proof') return entry.proof
    const digest = createHash('sha256').update(`owner of ${entry.fid}`).digest()
    return JSON.stringify({
      timestamp: entry.time / SECOND,
      name,
      owner: `0x${digest.toString('hex', 0, 20)}`,
      signature: Buffer.concat([digest, digest]).toString('base64'),
      fid: entry.fid,
      type: `USERNAME_TYPE_${name.endsWith('.base.eth') ? 'BASENAME' : name.endsWith('.eth') ? 'ENS_L1' : 'FNAME'}`,
    })
  }

  /** Without a shard the pages of all come one behind the other, as they do from Snapchain. */
  function events(query: Query, now: number): string {
    const shard = query.whole('shard_index')
    if (shard !== undefined && !SHARDS.some((known) => known === shard)) {
      throw new Refused('bad_request.invalid_param', `no shard ${shard}`)
    }
    const { size, reverse } = query.page()
    const from = query.whole('from_event_id', 'from_id') ?? 0
    const stop = query.whole('stop_id') ?? Number.MAX_SAFE_INTEGER
    const found = SHARDS.filter((known) => shard === undefined || known === shard).flatMap((known) =>
      store.events.page({ shard: known, now, from, stop, size, reverse }),
    )
    return `{"events":[${found.join(',')}]}`
  }

  const channels = JSON.stringify({ result: { channels: data.channels } })

  return new Map<string, Route>([
    ['/v1/info', info],
    ['/v1/castById', castById],
    [
      '/v1/castsByFid',
      (query) => page(LISTS.castsOf(query.requiredWhole('fid')), { ...query.page(), ...query.window() }),
    ],
    ['/v1/castsByParent', castsByParent],
    ['/v1/castsByMention', (query) => page(LISTS.mentioning(query.requiredWhole('fid')), query.page())],
    [
      '/v1/reactionsByCast',
      (query) =>
        reactions(castKey(query.requiredWhole('target_fid'), query.requiredHash('target_hash')), query),
    ],
    ['/v1/reactionsByTarget', (query) => reactions(urlKey(query.requiredText('url')), query)],
    ['/v1/userDataByFid', (query) => page(LISTS.dataOf(query.requiredWhole('fid')), query.page())],
    ['/v1/userNameProofByName', userNameProofByName],
    ['/v1/linksByFid', (query) => links(LISTS.linksFrom(query.requiredWhole('fid')), query)],
    ['/v1/linksByTargetFid', (query) => links(LISTS.linksTo(query.requiredWhole('target_fid')), query)],
    ['/v1/events', events],
    ['/v2/all-channels', () => channels],
  ])
}
