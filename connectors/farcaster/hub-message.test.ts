import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { parseHubMessage } from './hub-message.ts'

const HASH = '0x00112233445566778899aabbccddeeff00112233'
const OTHER = '0xffeeddccbbaa99887766554433221100ffeeddcc'
const bytes = (hash: string) => Buffer.from(hash.slice(2), 'hex')

/** As Hubble writes it: what is absent is omitted. */
const hubble = (body: object, more: object = {}) => ({
  data: {
    type: 'MESSAGE_TYPE_CAST_ADD',
    fid: 6833,
    timestamp: 48994466,
    network: 'FARCASTER_NETWORK_MAINNET',
    castAddBody: {
      embedsDeprecated: [],
      mentions: [],
      text: 'gm',
      mentionsPositions: [],
      embeds: [],
      ...body,
    },
    ...more,
  },
  hash: HASH,
  hashScheme: 'HASH_SCHEME_BLAKE3',
  signature: 'AAAA',
  signatureScheme: 'SIGNATURE_SCHEME_ED25519',
  signer: '0x00',
})
const reaction = (body: object, type = 'MESSAGE_TYPE_REACTION_ADD') =>
  hubble({}, { type, castAddBody: undefined, reactionBody: { type: 'REACTION_TYPE_LIKE', ...body } })
const removal = (targetHash: unknown) =>
  hubble({}, { type: 'MESSAGE_TYPE_CAST_REMOVE', castRemoveBody: { targetHash } })

const why = (json: unknown): string => {
  try {
    parseHubMessage(json)
  } catch (error) {
    if (error instanceof FcmError && error.code === 'HUB_MESSAGE_INVALID') return String(error.details.why)
    throw error
  }
  return 'accepted'
}

describe('a cast', () => {
  it('is read with time in ms since 1970', () => {
    expect(parseHubMessage(hubble({ parentUrl: 'https://onchainsummer.xyz', mentions: [15, 0, 3] }))).toEqual(
      {
        type: 'cast',
        hash: bytes(HASH),
        fid: 6833,
        time: 1658453666000,
        text: 'gm',
        parent: { url: 'https://onchainsummer.xyz' },
        urls: [],
        quotes: [],
        mentions: [15, 3],
      },
    )
  })

  it('is the same in the form of Hubble, of Snapchain with nulls and length type, and with unknown fields', () => {
    const plain = parseHubMessage(hubble({}))
    const nulls = {
      parentCastId: null,
      parentUrl: null,
      embeds: null,
      embedsDeprecated: null,
      mentions: null,
    }
    expect(parseHubMessage(hubble({ ...nulls, type: 'TEN_K_CAST', colour: 'red' }, { future: {} }))).toEqual(
      plain,
    )
    expect(plain).toMatchObject({ parent: null, urls: [], quotes: [], mentions: [] })
  })

  it.each([
    ['numbers as strings', { mentions: ['15', '0'] }, { fid: '6833', timestamp: '48994466' }],
    ['an empty text left out', { mentions: [15], text: undefined }, {}],
    ['null for a text', { mentions: [15], text: null }, {}],
  ])('is the same with %s', (_, body, more) => {
    const text = 'text' in body ? '' : 'gm'
    expect(parseHubMessage(hubble(body, more))).toEqual(parseHubMessage(hubble({ mentions: [15], text })))
  })

  it('has a parent and quotes whose numbers are strings', () => {
    const id = { fid: '226', hash: OTHER }
    const read = { fid: 226, hash: bytes(OTHER) }
    expect(parseHubMessage(hubble({ parentCastId: id, embeds: [{ castId: id }] }))).toMatchObject({
      ...{ parent: { cast: read }, quotes: [read] },
    })
  })

  it('is a reply under a cast, also when a URL stands there too; an empty URL is none', () => {
    const parentCastId = { fid: 226, hash: OTHER }
    const parent = { cast: { fid: 226, hash: bytes(OTHER) } }
    expect(parseHubMessage(hubble({ parentCastId }))).toMatchObject({ parent })
    expect(parseHubMessage(hubble({ parentCastId, parentUrl: 'https://x.org' }))).toMatchObject({ parent })
    expect(parseHubMessage(hubble({ parentUrl: '' }))).toMatchObject({ parent: null })
  })

  it('has URLs of both generations of embeds, and quotes', () => {
    const embeds = [{ url: 'https://b.org', castId: null }, { castId: { fid: 1, hash: OTHER } }, { video: 1 }]
    expect(parseHubMessage(hubble({ embedsDeprecated: ['https://a.org'], embeds }))).toMatchObject({
      urls: ['https://a.org', 'https://b.org'],
      quotes: [{ fid: 1, hash: bytes(OTHER) }],
    })
  })

  it('keeps every character but NUL and lone surrogates, in text and in URLs', () => {
    const unit = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\0', '\uD83D', '\uDE00', '\u2028', '\r\n', '---', '👩‍👩‍👧', '\uFEFF', '\u202E'),
    )
    fc.assert(
      fc.property(fc.array(unit), (parts) => {
        const text = parts.join('')
        const json = JSON.parse(
          JSON.stringify(hubble({ text, parentUrl: `x${text}`, embedsDeprecated: [text] })),
        )
        const message = parseHubMessage(json)
        if (message?.type !== 'cast') throw new Error('no cast')
        // An independent statement of it: code point by code point.
        const points = [...text].map((c) => (c === '\0' || /^[\uD800-\uDFFF]$/.test(c) ? '\uFFFD' : c))
        expect(message.text).toBe(points.join(''))
        expect(message.urls).toEqual([message.text])
        expect(message.parent).toEqual({ url: `x${message.text}` })
        expect(Buffer.from(message.text).toString()).toBe(message.text)
      }),
    )
  })
})

describe('a removal', () => {
  it('has its target in base64 or in hex', () => {
    const expected = { type: 'cast-removed', target: bytes(OTHER), hash: bytes(HASH), fid: 6833 }
    expect(parseHubMessage(removal(bytes(OTHER).toString('base64')))).toMatchObject(expected)
    expect(parseHubMessage(removal(OTHER))).toMatchObject(expected)
  })

  it('reads any hash the same in both forms', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (target) => {
        const hash = Buffer.from(target)
        const base64 = parseHubMessage(removal(hash.toString('base64')))
        expect(base64).toMatchObject({ target: hash })
        expect(parseHubMessage(removal(`0x${hash.toString('hex').toUpperCase()}`))).toEqual(base64)
      }),
    )
  })
})

describe('a reaction', () => {
  const targetCastId = { fid: 9, hash: OTHER }
  it('is a like or a recast of a cast, added or removed', () => {
    const target = { fid: 9, hash: bytes(OTHER) }
    expect(parseHubMessage(reaction({ targetCastId }))).toMatchObject({
      type: 'reaction',
      kind: 'like',
      target,
    })
    const recast = { targetCastId, targetUrl: null, type: 'REACTION_TYPE_RECAST' }
    expect(parseHubMessage(reaction(recast, 'MESSAGE_TYPE_REACTION_REMOVE'))).toMatchObject({
      type: 'reaction-removed',
      kind: 'recast',
      target,
    })
  })

  it('is not kept when its target is a URL or its type is one to come', () => {
    expect(parseHubMessage(reaction({ targetUrl: 'eip155:8453/erc721:0xabc/1' }))).toBeNull()
    expect(parseHubMessage(reaction({ targetCastId, type: 'REACTION_TYPE_CLAP' }))).toBeNull()
  })
})

it('passes over types that are not kept', () => {
  for (const type of ['USER_DATA_ADD', 'LINK_ADD', 'LINK_COMPACT_STATE', 'SOMETHING_NEW', 'constructor']) {
    expect(parseHubMessage(hubble({}, { type: `MESSAGE_TYPE_${type}` }))).toBeNull()
  }
})

describe('what is broken', () => {
  it.each<[string, unknown]>([
    ['the message is not an object', 'gm'],
    ['the message is not an object', []],
    ['the message is missing', null],
    ['data is missing', { hash: HASH }],
    ['data.type is missing', { data: {} }],
    ['data.type is not the name of one (MESSAGE_TYPE_...)', hubble({}, { type: 1 })],
    ['data.castAddBody is missing', hubble({}, { castAddBody: null })],
    ['data.castRemoveBody is missing', hubble({}, { type: 'MESSAGE_TYPE_CAST_REMOVE' })],
    ['data.castRemoveBody.targetHash is missing', removal(undefined)],
    ['data.castRemoveBody.targetHash is not a hash of 20 bytes', removal(`${OTHER}00`)],
    ['data.fid is not a positive integer', hubble({}, { fid: 0 })],
    ['data.fid is not a positive integer', hubble({}, { fid: 1.5 })],
    ['data.fid is not a positive integer', hubble({}, { fid: '0' })],
    ['data.fid is not a positive integer', hubble({}, { fid: '1e3' })],
    ['data.fid is not a positive integer', hubble({}, { fid: '9007199254740993' })],
    ['data.fid is not a positive integer', hubble({}, { fid: 2 ** 53 })],
    ['data.fid is missing', hubble({}, { fid: undefined })],
    ['data.timestamp is not a count of seconds', hubble({}, { timestamp: 1.5 })],
    ['data.timestamp is not a count of seconds', hubble({}, { timestamp: -1 })],
    ['data.timestamp is not a count of seconds', hubble({}, { timestamp: 1e300 })],
    ['data.timestamp is missing', hubble({}, { timestamp: null })],
    ['data.castAddBody.text is not a string', hubble({ text: { toString: 'x' } })],
    ['data.castAddBody.mentions is not a list', hubble({ mentions: 'x' })],
    ['data.castAddBody.mentions[] is not a positive integer', hubble({ mentions: [-1] })],
    ['data.castAddBody.embeds[] is not an object', hubble({ embeds: ['https://a.org'] })],
    ['data.castAddBody.embeds[].url is not a string', hubble({ embeds: [{ url: 1 }] })],
    ['data.castAddBody.parentUrl is not a string', hubble({ parentUrl: 1 })],
    [
      'data.castAddBody.parentCastId.hash is not a hash of 20 bytes',
      hubble({ parentCastId: { fid: 1, hash: '0x' } }),
    ],
    ['data.castAddBody.parentCastId.fid is missing', hubble({ parentCastId: { hash: OTHER } })],
    ['hash is missing', { ...hubble({}), hash: undefined }],
    ['hash is not a hash of 20 bytes', { ...hubble({}), hash: HASH.slice(0, -2) }],
    ['hash is not a hash of 20 bytes', { ...hubble({}), hash: 7 }],
    ['data.reactionBody.type is missing', reaction({ type: null })],
    ['data.reactionBody.targetCastId or targetUrl is missing', reaction({})],
  ])('%s', (expected, json) => expect(why(json)).toBe(expected))

  it('never throws anything else, whatever JSON comes', () => {
    const odd = fc.oneof(fc.jsonValue(), fc.constantFrom(null, HASH, 'MESSAGE_TYPE_CAST_ADD', {}, [], [null]))
    const field = fc.constantFrom('castAddBody', 'fid', 'timestamp', 'type', 'castRemoveBody', 'reactionBody')
    fc.assert(fc.property(field, odd, (name, value) => void why(hubble({}, { [name]: value }))))
    const inner = fc.constantFrom(
      'text',
      'embeds',
      'embedsDeprecated',
      'mentions',
      'parentUrl',
      'parentCastId',
    )
    fc.assert(fc.property(inner, odd, (name, value) => void why(hubble({ [name]: value }))))
    fc.assert(fc.property(odd, (value) => void why(value)))
  })
})
