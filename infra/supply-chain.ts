/**
 * Looks at the packages that the program is delivered with: fails where the registry knows of something high or critical in one of
 * them, and makes a list of them, a CycloneDX bill of materials, in the file that is named.
 */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

/** What npm answers in JSON, however it ends: it also ends with 1 where it has found something. */
const npm = (...args: string[]): Promise<unknown> =>
  new Promise((resolve, reject) => {
    execFile('npm', args, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout))
      } catch {
        reject(new Error(`npm ${args.join(' ')}: ${stderr || error?.message || 'its answer is no JSON'}`))
      }
    })
  })

type Audit = {
  /** Of an answer of the registry that is none to the question. */
  statusCode?: number
  message?: string
  vulnerabilities?: Record<string, { severity: string; range: string }>
}
/** A registry that only hands out packages: there is no such place, or nothing can be posted to it. */
const ANSWERS_NONE = [404, 405, 501]

async function audit(): Promise<void> {
  const { statusCode, message, vulnerabilities } = (await npm('audit', '--omit=dev', '--json')) as Audit
  if (statusCode !== undefined && ANSWERS_NONE.includes(statusCode)) {
    console.log('Audit: skipped: this registry does not answer audits.')
    return
  }
  if (!vulnerabilities) throw new Error(`The audit has failed: ${message}`)
  const all = Object.entries(vulnerabilities)
  const bad = all.filter(([, { severity }]) => severity === 'high' || severity === 'critical')
  if (bad.length > 0) {
    const lines = bad.map(([name, { severity, range }]) => `  ${name} ${range}: ${severity}`)
    throw new Error(['`npm audit --omit=dev` tells of', ...lines].join('\n'))
  }
  console.log(`Audit: nothing high or critical; ${all.length} lesser.`)
}

type Bill = {
  bomFormat: string
  components: { 'bom-ref': string; properties: { name: string; value: string }[] }[]
  dependencies: { ref: string; dependsOn: string[] }[]
}
const DEVELOPMENT = 'cdx:npm:package:development'

/** Of all that the lockfile has for any machine. npm's own --omit=dev drops, too, what is for both. */
async function billOfMaterials(): Promise<Bill> {
  const bill = (await npm('sbom', '--package-lock-only', '--sbom-format=cyclonedx')) as Bill
  const isDevelopment = (component: Bill['components'][number]) =>
    component.properties.some(({ name, value }) => name === DEVELOPMENT && value === 'true')
  const dropped = new Set(bill.components.filter(isDevelopment).map((component) => component['bom-ref']))
  return {
    ...bill,
    components: bill.components.filter((component) => !dropped.has(component['bom-ref'])),
    dependencies: bill.dependencies
      .filter(({ ref }) => !dropped.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => !dropped.has(one)) })),
  }
}

/** Name and version of all that `npm ci --omit=dev` may install, here or elsewhere. */
function inLockfile(): Set<string> {
  const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { name?: string; version: string; dev?: true }>
  }
  const installed = Object.entries(lockfile.packages).filter(([path, { dev }]) => path !== '' && !dev)
  return new Set(
    installed.map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`),
  )
}

await audit()
const bill = await billOfMaterials()
const listed = new Set(bill.components.map((component) => component['bom-ref']))
const expected = inLockfile()
const differing = [...expected, ...listed].filter((one) => !(expected.has(one) && listed.has(one)))
if (bill.bomFormat !== 'CycloneDX' || expected.size === 0 || differing.length > 0)
  throw new Error(`The bill of materials is not what the lockfile has: ${differing.join(', ')}`)
const [file] = process.argv.slice(2)
if (file) writeFileSync(file, `${JSON.stringify(bill, null, 2)}\n`)
console.log(`Bill of materials: ${listed.size} packages${file ? `, in ${file}` : ''}.`)
