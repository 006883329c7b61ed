/** Progress for a person: a bar on a terminal, once there is some to show; plain lines elsewhere. */
import { SingleBar } from 'cli-progress'

const LINE_EVERY_MS = 3000

export type Progress = {
  /** `share` 0-1; `detail` stands behind it. */
  update(share: number, detail: string): void
  /** Ends it with a last line. */
  done(detail: string): void
  /** Takes the bar away if it is still there. */
  end(): void
}

export function showProgress(title: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) {
    let last = performance.now()
    return {
      update(share, detail) {
        if (performance.now() - last < LINE_EVERY_MS) return
        last = performance.now()
        stream.write(`${title}: ${Math.floor(share * 100)} %, ${detail}\n`)
      },
      done: (detail) => void stream.write(`${title}: ${detail}\n`),
      end() {},
    }
  }
  let bar: SingleBar | undefined
  const drawn = (): SingleBar => {
    if (bar) return bar
    bar = new SingleBar({
      format: `${title} [{bar}] {percentage} % {detail}`,
      barsize: 24,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      hideCursor: true,
      clearOnComplete: true,
      fps: 8,
      stream,
    })
    bar.start(1, 0, { detail: '' })
    return bar
  }
  const end = () => bar?.stop()
  return {
    update: (share, detail) => drawn().update(Math.min(1, share), { detail }),
    done(detail) {
      end()
      stream.write(`${title}: ${detail}\n`)
    },
    end,
  }
}
