/** A schema registry with Confluent's API: Confluent's own, Apicurio's (`/apis/ccompat/v7`), Karapace, Redpanda. */
import { SchemaRegistry as Client, COMPATIBILITY, SchemaType } from '@kafkajs/confluent-schema-registry'
import { FcmError } from '../common/errors.ts'
import type { SchemaRegistry } from './registry.ts'

export type ConfluentOptions = {
  url: string
  auth?: { username: string; password: string }
  /** Schemas that the registry does not have are registered; else they are refused: that is for `fcm migrate` to do. */
  mayRegister: boolean
}

/** @throws FcmError from every call: REGISTRY_UNREACHABLE, which may pass */
export function openConfluentRegistry({ url, auth, mayRegister }: ConfluentOptions): SchemaRegistry {
  // One attempt: who asks tries again by itself, and tells that it waits.
  const client = new Client({
    host: url,
    retry: { retries: 0 },
    middlewares: [withTimeout],
    ...(auth ? { auth } : {}),
  })

  async function register(subject: string, schema: object): Promise<number> {
    try {
      const { id } = await client.register(avro(schema), { subject, compatibility: COMPATIBILITY.BACKWARD })
      return id
    } catch (error) {
      const why = (error as Error).message
      if (statusOf(error) === 409)
        throw new FcmError('SCHEMA_INCOMPATIBLE', { subject, version: 'latest', why }, error)
      throw explained(error, () => new FcmError('SCHEMA_REFUSED', { subject, url, why }, error))
    }
  }

  return {
    register: mayRegister
      ? register
      : async (subject, schema) => {
          try {
            return await client.getRegistryIdBySchema(subject, avro(schema))
          } catch (error) {
            throw explained(error, () => new FcmError('SCHEMA_UNREGISTERED', { subject, url }, error))
          }
        },

    async schema(id) {
      try {
        const type = (await client.getSchema(id)) as { schema?(options: object): unknown }
        // Of another kind than Avro.
        if (typeof type.schema !== 'function') throw new FcmError('SCHEMA_UNKNOWN', { id })
        return type.schema({ exportAttrs: true }) as object
      } catch (error) {
        throw explained(error, () => new FcmError('SCHEMA_UNKNOWN', { id }, error))
      }
    },
  }

  /** `otherwise`: where the registry has answered. */
  function explained(error: unknown, otherwise: () => FcmError): unknown {
    if (error instanceof FcmError) return error
    const status = statusOf(error)
    const why = (error as Error).message
    if (status === 401 || status === 403) return new FcmError('REGISTRY_REFUSED', { url, why }, error)
    // A registry says in words of its own what it does not have, or refuses. Where the client could not connect, or was not
    // answered, it makes up a status of 400.
    const [, withoutWords] = /Error, status (\d+)(?::|$)/.exec(why) ?? []
    if (withoutWords === '404') return new FcmError('REGISTRY_MISSING', { url }, error)
    if (withoutWords || (status ?? 0) >= 500 || status === 429)
      return new FcmError('REGISTRY_UNREACHABLE', { url, why }, error)
    return otherwise()
  }
}

const TIMEOUT_MS = 5000

/** By itself the client waits for ever. */
const withTimeout: NonNullable<ConstructorParameters<typeof Client>[0]['middlewares']>[number] = () => ({
  prepareRequest: async (next) => (await next()).enhance({ timeout: TIMEOUT_MS }),
})

const avro = (schema: object) => ({ type: SchemaType.AVRO, schema: JSON.stringify(schema) }) as const

const statusOf = (error: unknown): number | undefined => (error as { status?: number }).status
