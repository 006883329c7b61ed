/** The check of packages, with an npm that answers what a test has it answer. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDir } from '../app/testing.ts'

const SCRIPT = fileURLToPath(new URL('supply-chain.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** npm's own, which needs no registry. */
const sbom = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], {
  cwd: ROOT,
  encoding: 'utf8',
})
const fine = { auditReportVersion: 2, vulnerabilities: { left: { severity: 'moderate', range: '<2' } } }

function checked(answers: { audit: object | string; sbom?: string }) {
  const { dir, remove } = temporaryDir()
  try {
    for (const [name, answer] of Object.entries({ sbom, ...answers }))
      writeFileSync(join(dir, name), typeof answer === 'string' ? answer : JSON.stringify(answer))
    const npm = join(dir, 'npm')
    writeFileSync(npm, `#!/bin/sh\ncat "${dir}/$1"\nexit 1\n`)
    chmodSync(npm, 0o755)
    const file = join(dir, 'bill.json')
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, file], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, PATH: `${dir}:${process.env.PATH}` },
    })
    const bill = status === 0 ? JSON.parse(readFileSync(file, 'utf8')) : null
    return { status, stdout, stderr, bill }
  } finally {
    remove()
  }
}

test('passes where nothing grave is known, and lists what the program is delivered with', () => {
  const { status, stdout, bill } = checked({ audit: fine })
  expect(status).toBe(0)
  expect(stdout).toContain('Audit: nothing high or critical; 1 lesser.')
  const names = bill.components.map(({ name }: { name: string }) => name)
  // What development needs, too, is delivered; the rest is not, and nothing that is dropped is referred to.
  expect(names).toEqual(expect.arrayContaining(['fastify', 'pg-protocol']))
  expect(names).not.toContain('vitest')
  const listed = new Set<string>(bill.components.map((one: { 'bom-ref': string }) => one['bom-ref']))
  expect(stdout).toContain(`Bill of materials: ${listed.size} packages`)
  listed.add(bill.metadata.component['bom-ref'])
  for (const { ref, dependsOn } of bill.dependencies)
    for (const one of [ref, ...dependsOn]) expect(listed).toContain(one)
})

test.each(['high', 'critical'])('fails where something %s is known', (severity) => {
  const { status, stderr } = checked({ audit: { vulnerabilities: { left: { severity, range: '<2' } } } })
  expect(status).toBe(1)
  expect(stderr).toContain(`left <2: ${severity}`)
})

test('says that it is skipped where the registry has no audits, and fails where it is out of order', () => {
  for (const statusCode of [404, 405, 501]) {
    const { status, stdout } = checked({ audit: { message: `${statusCode}`, statusCode } })
    expect(status).toBe(0)
    expect(stdout).toContain('skipped: this registry does not answer audits')
  }
  for (const audit of [
    { message: '503 Service Unavailable', statusCode: 503 },
    { message: 'ENOTFOUND' },
    '',
  ]) {
    const { status, stdout, stderr } = checked({ audit })
    expect(status).toBe(1)
    expect(stdout).not.toContain('skipped')
    expect(stderr).toMatch(/The audit has failed|npm audit/)
  }
})

test('fails where the bill lacks a package', () => {
  const bill = JSON.parse(sbom)
  bill.components = bill.components.filter(({ name }: { name: string }) => name !== 'pg-protocol')
  const { status, stderr } = checked({ audit: fine, sbom: JSON.stringify(bill) })
  expect(status).toBe(1)
  expect(stderr).toMatch(/not what the lockfile has: pg-protocol@/)
  expect(checked({ audit: fine, sbom: 'no JSON' }).status).toBe(1)
})
