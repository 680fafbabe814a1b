/** Changes of a run: shown at once, taken back if the server refuses them. */
import { call } from '../../api/client'
import type { Run } from '../../lib/run'
import { edit, toast } from '../../state/toasts.svelte'

export class RunEdits {
  #run: () => Run | undefined
  #reload: () => void
  /** What was changed and may not have arrived yet; of one run. */
  #changed = $state.raw<{ id: string; part: Partial<Run> }>()

  constructor(run: () => Run | undefined, reload: () => void) {
    this.#run = run
    this.#reload = reload
  }

  /** The run as it is with the changes. */
  shown = $derived.by((): Run | undefined => {
    const run = this.#run()
    const changed = this.#changed
    return run && changed?.id === run.id ? { ...run, ...changed.part } : run
  })

  async #edit(part: Partial<Run>, save: (run_id: string) => Promise<unknown>): Promise<boolean> {
    const run = this.#run()
    if (!run) return false
    const done = await edit(
      () => {
        const before = this.#changed
        this.#changed = { id: run.id, part: { ...(before?.id === run.id ? before.part : {}), ...part } }
        return () => (this.#changed = before)
      },
      () => save(run.id),
    )
    if (done) this.#reload()
    return done
  }

  rename(name: string): Promise<boolean> {
    return this.#edit({ name }, (run_id) => call('POST 2.0/mlflow/runs/update', { run_id, run_name: name }))
  }

  /** Rejects if the server refuses, so that what was written is not lost. */
  async note(note: string): Promise<void> {
    const done = await this.#edit({ note }, (run_id) => call('POST 2.0/mlflow/runs/set-tag', { run_id, key: 'mlflow.note.content', value: note }))
    if (!done) throw new Error('not saved')
  }

  async tag(key: string, value: string): Promise<void> {
    const tags = (this.shown?.tags ?? []).filter((tag) => tag.key !== key)
    await this.#edit({ tags: [...tags, { key, value }] }, (run_id) => call('POST 2.0/mlflow/runs/set-tag', { run_id, key, value }))
  }

  async untag(key: string): Promise<void> {
    const before = this.shown?.tags ?? []
    const old = before.find((tag) => tag.key === key)
    const done = await this.#edit({ tags: before.filter((tag) => tag.key !== key) }, (run_id) => call('POST 2.0/mlflow/runs/delete-tag', { run_id, key }))
    if (done && old) toast(`Removed tag ${key}`, { undo: () => void this.tag(key, old.value) })
  }

  async remove(): Promise<void> {
    const done = await this.#edit({ deleted: true }, (run_id) => call('POST 2.0/mlflow/runs/delete', { run_id }))
    if (done) toast('Run deleted', { undo: () => void this.restore() })
  }

  async restore(): Promise<void> {
    const done = await this.#edit({ deleted: false }, (run_id) => call('POST 2.0/mlflow/runs/restore', { run_id }))
    if (done) toast('Run restored')
  }
}
