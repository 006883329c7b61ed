import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { afterAll, expect, it } from 'vitest'
import { openMade } from './made-database.fixture.ts'

const { db, pglite, close } = await openMade()
afterAll(close)

it('answers of any length come whole, one after another', async () => {
  // They come in pieces of 8 KB: what ends an answer is cut in two at some of these lengths.
  for (let length = 8_000; length < 8_200; length++) {
    const { rows } = await db.query(`SELECT repeat('x', $1::int) AS text`, [length])
    expect(rows[0]!.text).toHaveLength(length)
  }
})

it('is not touched by a query that failed or a transaction that was left', async () => {
  await expect(db.query('SELECT 1 / 0')).rejects.toThrow('division by zero')
  await expect(
    db.transaction(async (query) => {
      await query('CREATE TABLE left_over ()')
      throw new Error('left')
    }),
  ).rejects.toThrow('left')
  expect((await db.query("SELECT to_regclass('left_over') AS name")).rows).toEqual([{ name: null }])
})

it('carries out what is begun together in that order, and all of it or nothing', async () => {
  await db.transaction(async (query) => {
    const statements = ['CREATE TABLE pairs (n int PRIMARY KEY)', 'INSERT INTO pairs VALUES (1)']
    await Promise.all(statements.map((sql) => query(sql)))
  })
  const twice = db.transaction(async (query) => {
    await Promise.all([2, 1, 3].map((n) => query('INSERT INTO pairs VALUES ($1)', [n])))
  })
  await expect(twice).rejects.toMatchObject({ code: '23505' })
  expect((await db.query('SELECT n FROM pairs')).rows).toEqual([{ n: 1 }])
  await db.query('DROP TABLE pairs')
})

it('tells a connection whose session another has taken, and gives it a new one', async () => {
  const second = pglite.stream() as Duplex & { connect(): Duplex }
  second.on('error', () => {})
  await once(second.connect(), 'connect')
  const takenBack = async () => {
    await db.query('SELECT 1').catch(() => {})
    return second.destroyed
  }
  await expect.poll(takenBack).toBe(true)
  expect((await db.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }])
})
