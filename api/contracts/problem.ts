/** Every answer that is not what was asked for. */
import { type Static, type TSchema, Type } from 'typebox'
import { named, pageOf } from './schema.ts'

export const Problem = named(
  'Problem',
  {
    type: Type.String({ description: 'about:blank, or urn:fcm:problem:<code>.' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What happened, and what to do.' }),
    instance: Type.Optional(
      Type.String({
        description:
          'urn:uuid: and the id of the request, which the header X-Request-Id and the log have too.',
      }),
    ),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          in: Type.String({ description: 'query, path or body.' }),
          name: Type.String(),
          detail: Type.String(),
        }),
      ),
    ),
  },
  {
    description: 'RFC 9457 problem details.',
    example: {
      type: 'urn:fcm:problem:request-invalid',
      title: 'The request is not valid',
      status: 400,
      detail: 'limit must be <= 500',
      instance: 'urn:uuid:0d2b8a3e-5a0f-4d0c-9a3e-0f6c2f3f4a11',
      errors: [{ in: 'query', name: 'limit', detail: 'must be <= 500' }],
    },
  },
)
export type Problem = Static<typeof Problem>

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
})
export const problems = {
  '4xx': problem('The request was not understood, is not allowed, or what it asks for does not exist.'),
  '5xx': problem('The answer could not be made; 503 tells when to try again (Retry-After).'),
}
export const answers = <T extends TSchema>(schema: T) => ({ 200: schema, ...problems })
/** A page of a list. */
export const list = <T extends TSchema>(item: T) => answers(Type.Object(pageOf(item)))
/** An answer that is not JSON, or not one JSON value. */
export const streams = (description: string, ...types: string[]) => ({
  200: { description, content: Object.fromEntries(types.map((t) => [t, { schema: Type.String() }])) },
  ...problems,
})
