import { FARCASTER_EPOCH, SECOND } from '../../common/time.ts'
import { type CastId, hex, type Message } from '../../schemas/message.ts'

const castId = ({ fid, hash }: CastId) => ({ fid, hash: hex(hash) })

/**
 * A message in the Hub HTTP form, as `parseHubMessage` reads it. What we don't know is left out: signature and signer,
 * and where in the text the mentions stood.
 */
export function toHubJson(message: Message): object {
  return {
    data: {
      fid: message.fid,
      timestamp: (message.time - FARCASTER_EPOCH) / SECOND,
      network: 'FARCASTER_NETWORK_MAINNET',
      ...body(message),
    },
    hash: hex(message.hash),
    hashScheme: 'HASH_SCHEME_BLAKE3',
  }
}

function body(message: Message): object {
  switch (message.type) {
    case 'cast': {
      const { parent } = message
      return {
        type: 'MESSAGE_TYPE_CAST_ADD',
        castAddBody: {
          embedsDeprecated: [],
          mentions: message.mentions,
          parentCastId: parent && 'cast' in parent ? castId(parent.cast) : null,
          parentUrl: parent && 'url' in parent ? parent.url : null,
          text: message.text,
          embeds: [
            ...message.urls.map((url) => ({ url })),
            ...message.quotes.map((quote) => ({ castId: castId(quote) })),
          ],
          mentionsPositions: message.mentions.map(() => 0),
        },
      }
    }
    case 'cast-removed':
      // Hubs write this one hash in base64.
      return {
        type: 'MESSAGE_TYPE_CAST_REMOVE',
        castRemoveBody: { targetHash: message.target.toString('base64') },
      }
    case 'reaction':
    case 'reaction-removed':
      return {
        type: message.type === 'reaction' ? 'MESSAGE_TYPE_REACTION_ADD' : 'MESSAGE_TYPE_REACTION_REMOVE',
        reactionBody: {
          type: message.kind === 'like' ? 'REACTION_TYPE_LIKE' : 'REACTION_TYPE_RECAST',
          targetCastId: castId(message.target),
        },
      }
  }
}
