/** A registered model that a page shows, and the changes that can be made to it there. */
import { call } from '../api/client'
import { resource, type Resource } from '../api/resource.svelte'
import { loadApproval, loadTrail, loadWhole, type Approval, type Whole } from '../api/registry'
import { aliased, moved, type Version } from '../lib/registry'
import type { RawChange } from '../lib/trail'
import { attempt, edit, toast } from './toasts.svelte'
import { signed } from './user.svelte'

type Failed = Promise<Error | undefined>

export class RegistryModel {
  readonly whole: Resource<Whole>
  /** Oldest first; null where the registry keeps no history. */
  readonly trail: Resource<RawChange[] | null>
  readonly approval: Resource<Approval | null>
  readonly #name: () => string

  constructor(name: () => string) {
    this.#name = name
    this.whole = resource(name, (key, signal) => loadWhole(key, signal), false)
    this.trail = resource(name, async (key, signal) => (await loadTrail(key, undefined, signal)) ?? null, false)
    this.approval = resource(name, async (key, signal) => (await loadApproval(key, signal)) ?? null, false)
  }

  get name(): string {
    return this.#name()
  }

  get versions(): readonly Version[] {
    return this.whole.data?.versions ?? []
  }

  reload(): void {
    this.whole.reload()
    this.trail.reload()
    this.approval.reload()
  }

  /** Each of these shows what it does at once; it returns what went wrong, and then nothing has changed. */
  async move(version: string, stage: string, archive: boolean, reason: string): Failed {
    const request = { name: this.name, version, stage, archive_existing_versions: archive }
    return this.#change(
      (versions) => moved(versions, version, stage, archive),
      () => call('POST 2.0/mlflow/model-versions/transition-stage', request, undefined, reason),
    )
  }

  async rollBack(stage: string, to: string, reason: string): Failed {
    return this.#change(
      (versions) => moved(versions, to, stage, true),
      () => call('POST 3.0/mlflow/registered-models/rollback', { name: this.name, stage }, undefined, reason),
    )
  }

  async setAlias(alias: string, version: string, reason = ''): Failed {
    return this.#change(
      (versions) => aliased(versions, alias, version),
      () => call('POST 2.0/mlflow/registered-models/alias', { name: this.name, alias, version }, undefined, reason),
    )
  }

  /** Says what went wrong in a toast, as it is done with one click; and can be undone with one. */
  async removeAlias(alias: string, version: string): Promise<void> {
    const failed = await this.#change(
      (versions) => aliased(versions, alias, undefined),
      () => call('DELETE 2.0/mlflow/registered-models/alias', { name: this.name, alias }),
    )
    if (failed) toast(failed.message, { bad: true })
    else toast(`Version ${version} is not ${alias} any more.`, { undo: () => void this.setAlias(alias, version) })
  }

  async request(version: string, stage: string, archive: boolean, reason: string): Failed {
    const request = { name: this.name, version, stage, archive_existing_versions: archive, comment: reason || undefined }
    return this.#change((versions) => versions, () => call('POST 3.0/mlflow/model-versions/stage-requests', request))
  }

  async review(request_id: number, approve: boolean, reason: string): Failed {
    const request = { request_id, approve, comment: reason || undefined }
    return this.#change((versions) => versions, () => call('POST 3.0/mlflow/model-versions/stage-requests/review', request))
  }

  async setRule(stage: string, reviewers: number, requirement: string): Failed {
    const request = { name: this.name, stage, reviewers, requirement: requirement || undefined }
    return this.#change((versions) => versions, () => call('POST 3.0/mlflow/registered-models/stage-policies', request))
  }

  async removeRule(stage: string): Failed {
    return this.#change((versions) => versions, () => call('DELETE 3.0/mlflow/registered-models/stage-policies', { name: this.name, stage }))
  }

  // -- words about it: what goes wrong is said in a toast --------------------------------------------

  async describe(description: string): Promise<void> {
    const request = { name: this.name, description }
    await this.#edit((whole) => ({ ...whole, model: { ...whole.model, description } }), () => call('PATCH 2.0/mlflow/registered-models/update', request))
  }

  async setTag(key: string, value: string): Promise<void> {
    await this.#edit(
      ({ model, ...rest }) => ({ ...rest, model: { ...model, tags: [...model.tags.filter((t) => t.key !== key), { key, value }] } }),
      () => call('POST 2.0/mlflow/registered-models/set-tag', { name: this.name, key, value }),
    )
  }

  async removeTag(key: string): Promise<void> {
    const value = this.whole.data?.model.tags.find((t) => t.key === key)?.value ?? ''
    const done = await this.#edit(
      ({ model, ...rest }) => ({ ...rest, model: { ...model, tags: model.tags.filter((t) => t.key !== key) } }),
      () => call('DELETE 2.0/mlflow/registered-models/delete-tag', { name: this.name, key }),
    )
    if (done) toast(`The tag ${key} is removed.`, { undo: () => void this.setTag(key, value) })
  }

  async describeVersion(version: string, description: string): Promise<void> {
    await this.#edit(
      (whole) => withVersion(whole, version, (v) => ({ ...v, description })),
      () => call('PATCH 2.0/mlflow/model-versions/update', { name: this.name, version, description }),
    )
  }

  async setVersionTag(version: string, key: string, value: string): Promise<void> {
    await this.#edit(
      (whole) => withVersion(whole, version, (v) => ({ ...v, tags: [...v.tags.filter((t) => t.key !== key), { key, value }] })),
      () => call('POST 2.0/mlflow/model-versions/set-tag', { name: this.name, version, key, value }),
    )
  }

  async removeVersionTag(version: string, key: string): Promise<void> {
    const value = this.versions.find((v) => v.version === version)?.tags.find((t) => t.key === key)?.value ?? ''
    const done = await this.#edit(
      (whole) => withVersion(whole, version, (v) => ({ ...v, tags: v.tags.filter((t) => t.key !== key) })),
      () => call('DELETE 2.0/mlflow/model-versions/delete-tag', { name: this.name, version, key }),
    )
    if (done) toast(`The tag ${key} is removed.`, { undo: () => void this.setVersionTag(version, key, value) })
  }

  async #change(patch: (versions: readonly Version[]) => readonly Version[], save: () => Promise<unknown>): Failed {
    const failed = await attempt(this.#shown((whole) => ({ ...whole, versions: [...patch(whole.versions)] })), signedBefore(save))
    this.reload()
    return failed
  }

  async #edit(patch: (whole: Whole) => Whole, save: () => Promise<unknown>): Promise<boolean> {
    const done = await edit(this.#shown(patch), signedBefore(save))
    this.reload()
    return done
  }

  #shown(patch: (whole: Whole) => Whole): () => () => void {
    return () => {
      const before = this.whole.data
      if (before) this.whole.data = patch(before)
      return () => (this.whole.data = before)
    }
  }
}

function signedBefore(save: () => Promise<unknown>): () => Promise<unknown> {
  return async () => {
    await signed()
    return save()
  }
}

function withVersion(whole: Whole, version: string, change: (v: Version) => Version): Whole {
  return { ...whole, versions: whole.versions.map((v) => (v.version === version ? change(v) : v)) }
}
