import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { describe, expect, inject, test } from 'vitest'
import { createCodec, readSchema } from './codec.ts'
import { openConfluentRegistry } from './confluent-registry.ts'

const services = inject('services')

describe.skipIf(!services)('a schema registry', () => {
  const url = services?.registry ?? ''
  const writer = openConfluentRegistry({ url, mayRegister: true })
  const reader = openConfluentRegistry({ url, mayRegister: false })
  const field = (name: string, rest: object = {}) => ({ name, type: 'string', ...rest })
  const record = (...fields: object[]) => ({ type: 'record', name: 'fcm.Test', fields })

  test('keeps the id of a schema, and gives the schema of an id', async () => {
    const subject = `test.${randomUUID()}`
    const schema = record(field('a'))
    const id = await writer.register(subject, schema)
    expect(await writer.register(subject, schema)).toBe(id)
    expect(await reader.register(subject, schema)).toBe(id)
    expect(await openConfluentRegistry({ url, mayRegister: false }).schema(id)).toMatchObject(schema)
  })

  test('takes a schema that reads what was written before, and refuses any other', async () => {
    const subject = `test.${randomUUID()}`
    const first = await writer.register(subject, record(field('a')))
    const second = await writer.register(subject, record(field('a'), field('b', { default: '' })))
    expect(second).not.toBe(first)
    await expect(writer.register(subject, record(field('a'), field('c')))).rejects.toMatchObject({
      code: 'SCHEMA_INCOMPATIBLE',
    })
  })

  test('is not written to by who may not: that is said', async () => {
    const subject = `test.${randomUUID()}`
    await expect(reader.register(subject, record(field('a')))).rejects.toMatchObject({
      code: 'SCHEMA_UNREGISTERED',
      message: expect.stringMatching(/fcm migrate/),
    })
    await writer.register(subject, record(field('a')))
    await expect(reader.register(subject, record(field('b')))).rejects.toMatchObject({
      code: 'SCHEMA_UNREGISTERED',
    })
  })

  test('has no schema for an id that nobody was given', async () => {
    await expect(reader.schema(2_000_000_000)).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' })
    await expect(reader.schema(-5)).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' })
  })

  test('holds all of ours, and what one process writes another reads', async () => {
    const codec = await createCodec(writer)
    const other = await createCodec(reader)
    const idle = { type: 'Idle', measure: 'posts', from: 300_000 } as const
    const bytes = codec.encode(idle)
    await other.prepare(bytes)
    expect(other.decode(bytes)).toEqual(idle)
    expect(readSchema('Idle')).toBeDefined()
  })
})

test('an address where no registry is does not pass for one without schemas', async () => {
  const server = createServer((_request, response) => response.writeHead(404).end('<h1>Not found</h1>'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const registry = openConfluentRegistry({ url: `http://127.0.0.1:${port}`, mayRegister: false })
  const asked = registry.register('s', { type: 'record', name: 'fcm.Test', fields: [] })
  await expect(asked).rejects.toMatchObject({ code: 'REGISTRY_MISSING' })
  await expect(registry.schema(1)).rejects.toMatchObject({ code: 'REGISTRY_MISSING' })
  server.closeAllConnections()
  server.close()
})

test.each([
  ['that is away', 'http://127.0.0.1:1/', /ECONNREFUSED/],
  ['that is overloaded', 503, /503/],
])('a registry %s may come back', async (_, at, why) => {
  const server = createServer((_request, response) => response.writeHead(Number(at)).end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = typeof at === 'string' ? at : `http://127.0.0.1:${port}`
  const registry = openConfluentRegistry({ url, mayRegister: true })
  const schema = { type: 'record', name: 'fcm.Test', fields: [] }
  for (const ask of [() => registry.schema(1), () => registry.register('s', schema)])
    await expect(ask()).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      retry: true,
      message: expect.stringMatching(why),
    })
  server.closeAllConnections()
  server.close()
})

test('what does not speak HTTP is not taken for a registry that lacks a schema', async () => {
  const server = createTcpServer((socket) => socket.end('220 mail.example ESMTP\r\n').on('error', () => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  for (const scheme of ['http', 'https']) {
    const registry = openConfluentRegistry({ url: `${scheme}://127.0.0.1:${port}`, mayRegister: false })
    await expect(registry.schema(1)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  }
  server.close()
})

test('a registry that hangs is given up', async () => {
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const registry = openConfluentRegistry({ url: `http://127.0.0.1:${port}`, mayRegister: false })
  await expect(registry.schema(1)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  server.closeAllConnections()
  server.close()
})
