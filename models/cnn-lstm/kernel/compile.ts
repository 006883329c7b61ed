/** Compiles kernel.as.ts to WebAssembly, the same bytes wherever it runs. As a program it writes kernel.wasm. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

export const KERNEL = fileURLToPath(new URL('kernel.wasm', import.meta.url))

/** 4 pages of 64 KiB hold the weights, what one row needs, and a batch. */
const FLAGS = '-O3 --noAssert --enable simd --runtime stub --use abort= --initialMemory 4 --maximumMemory 4'

export async function compileKernel(): Promise<Uint8Array> {
  const baseDir = fileURLToPath(new URL('.', import.meta.url))
  let bytes: Uint8Array | undefined
  const { error, stderr } = await asc.main(
    ['kernel.as.ts', '--baseDir', baseDir, '-o', 'kernel.wasm', ...FLAGS.split(' ')],
    {
      writeFile: (_name, contents) => {
        bytes = contents as Uint8Array
      },
    },
  )
  if (error) throw new Error(`kernel.as.ts does not compile:\n${stderr}`)
  return bytes!
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(KERNEL, await compileKernel())
