/** A file of a span: in its inputs and outputs stands a URI instead, and the file is beside the trace. */
export interface Attachment {
  id: string
  trace: string
  type: string
  size?: number
}

const PREFIX = 'mlflow-attachment://'

/** What such a URI says; undefined for any other text. */
export function attachmentOf(text: unknown): Attachment | undefined {
  if (typeof text !== 'string' || !text.startsWith(PREFIX)) return undefined
  const [id = '', query = ''] = text.slice(PREFIX.length).split('?', 2)
  const about = new URLSearchParams(query)
  const trace = about.get('trace_id')
  if (!/^[0-9a-f-]{36}$/i.test(id) || !trace) return undefined
  const size = about.get('size')
  return { id, trace, type: about.get('content_type') ?? '', size: size !== null && /^\d+$/.test(size) ? Number(size) : undefined }
}
