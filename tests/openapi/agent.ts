// The loop of an agent with openapi-fetch and the types that openapi-typescript generated: run by `tests.openapi`.
//
// Reads and writes the same lines as agent.py. No request is written by hand: a middleware signs those of the client.

import { createHmac, randomUUID } from "node:crypto";
import { openAsBlob, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.ts";

type Schemas = components["schemas"];
type Post = Schemas["ScheduledPost"];
type Given = { api: string; key: { id: string; secret: string }; image: string; notes: string };

const given: Given = JSON.parse(readFileSync(0, "utf8"));
const patience = 60_000; // milliseconds

function write(step: string, more: object = {}): void {
  console.log(JSON.stringify({ client: "typescript", step, ...more }));
}

function check(step: string, right: unknown): asserts right {
  if (!right) throw new Error(`${step}: not as expected`);
}

/** Return the body of a response that has the status. */
function parsed<T>(step: string, result: { data?: T; error?: unknown; response: Response }, status: number): T {
  if (result.response.status !== status || result.data === undefined)
    throw new Error(`${step}: ${result.response.status} ${JSON.stringify(result.error)}`);
  write(step, { status });
  return result.data;
}

/** Return the body of a refusal that has the status. */
function refused<T>(step: string, result: { error?: T; response: Response }, status: number): T {
  if (result.response.status !== status || result.error === undefined)
    throw new Error(`${step}: ${result.response.status}`);
  write(step, { status });
  return result.error;
}

async function until<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + patience;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`not within ${patience / 1000} s: ${what}`);
    await sleep(300);
  }
}

const client = createClient<paths>({ baseUrl: given.api });
client.use({
  onRequest({ request }) {
    const date = new Date().toISOString();
    request.headers.set("x-api-key", given.key.id);
    request.headers.set("x-date", date);
    request.headers.set("x-signature", createHmac("sha256", given.key.secret).update(date).digest("hex"));
    return request;
  },
});

async function inState(id: string, status: Post["status"]): Promise<Post | undefined> {
  const { data } = await client.GET("/scheduled-posts/{post_id}", { params: { path: { post_id: id } } });
  return data?.status === status ? data : undefined;
}

const channels = parsed("listChannels", await client.GET("/channels"), 200);
for (const channel of channels) {
  const path = { channel_id: channel.id };
  const detail = parsed("getChannel", await client.GET("/channels/{channel_id}", { params: { path } }), 200);
  check("getChannel", detail.capabilities.types.POST);
}

const validate = async (body: Schemas["CreatePostRequest"]) =>
  parsed("validateScheduledPost", await client.POST("/scheduled-posts/validate", { body }), 200);
const incomplete = await validate({ type: "POST" });
check("validateScheduledPost", !incomplete.valid);
check("validateScheduledPost", incomplete.violations.some((item) => item.code === "scheduledFor.missing"));

const image = await openAsBlob(given.image, { type: "image/jpeg" });
const upload = await client.POST("/media", {
  body: { file: "" }, // the types have no Blob: openapi-fetch sends what the serializer returns
  bodySerializer() {
    const form = new FormData();
    form.set("file", image, "image.jpg");
    return form;
  },
});
const stored = parsed("uploadMedia", upload, 201);

const text = ({ type }: Schemas["Channel"]) => ({ mediumType: type, caption: `From TypeScript ${randomUUID()}` });
const body = {
  media: stored.url,
  scheduledFor: new Date(Date.now() + 3_600_000).toISOString(),
  channels: Object.fromEntries(channels.map((channel) => [channel.id, text(channel)])),
  brief: "A generated client.",
};
const complete = await validate(body);
check("validateScheduledPost", complete.valid && complete.mediaChecked);

const header = { "Idempotency-Key": randomUUID() };
const create = async () =>
  parsed("createScheduledPost", await client.POST("/scheduled-posts", { body, params: { header } }), 201);
let post: Post = await create();
check("createScheduledPost", post.status === "DRAFT" && (await create()).id === post.id);
const query = { status: ["DRAFT", "REJECTED"] satisfies Post["status"][] };
const drafts = parsed("listScheduledPosts", await client.GET("/scheduled-posts", { params: { query } }), 200);
check("listScheduledPosts", drafts.some((draft) => draft.id === post.id));

const at = (version: number) => ({ path: { post_id: post.id }, header: { "If-Match": `"${version}"` } });
const update = (version: number, changes: Schemas["UpdatePostRequest"]) =>
  client.PATCH("/scheduled-posts/{post_id}", { params: at(version), body: changes });
const submit = (version: number) =>
  client.POST("/scheduled-posts/{post_id}/submit-for-approval", { params: at(version) });

post = parsed("updateScheduledPost", await update(post.version, { altText: "A red square" }), 200);
const stale = refused("updateScheduledPost, stale", await update(post.version - 1, { brief: "Lost" }), 412);
check("updateScheduledPost, stale", "details" in stale && JSON.stringify(stale.details).includes(`"version":${post.version}`));

post = parsed("submitScheduledPost", await submit(post.version), 200);
const approve = await client.POST("/scheduled-posts/{post_id}/approve", { params: { path: { post_id: post.id } } });
const human = refused("approveScheduledPost", approve, 403);
check("approveScheduledPost", "code" in human && human.code === "approval.human_only");
write("waits for a rejection", { wants: "rejection", post: post.id });
post = await until("the rejection", () => inState(post.id, "REJECTED"));
check("the rejection", post.notes === given.notes && post.review?.notes === given.notes);

post = parsed("updateScheduledPost", await update(post.version, { brief: "Revised." }), 200);
post = parsed("submitScheduledPost", await submit(post.version), 200);
check("submitScheduledPost", post.notes === null);
write("waits for an approval", { wants: "approval", post: post.id });
/** Return the post once it is published and has its permalinks, which are read a moment later. */
const liveEverywhere = async () => {
  const found = await inState(post.id, "PUBLISHED");
  return found && Object.values(found.mediumsData).every(({ outcome }) => outcome?.permalink) ? found : undefined;
};
post = await until("the publication", liveEverywhere);
check("the approval", post.review?.decision === "APPROVED" && post.review.by.kind === "USER");
check("the outcomes", Object.keys(post.mediumsData).length === channels.length);

const published = async () => {
  const found = parsed("listPosts", await client.GET("/posts", { params: { query: { limit: 20 } } }), 200);
  const ours = found.filter((live) => live.scheduledPostId === post.id);
  return ours.length === channels.length ? ours : undefined;
};
for (const live of await until("the published posts", published)) {
  const params = { path: { post_id: live.id }, query: { mediumId: live.mediumId } };
  const read = parsed("getPost", await client.GET("/posts/{post_id}", { params }), 200);
  check("getPost", read.permalink !== null && read.type === "POST");
  const figures = parsed("getPostInsights", await client.GET("/posts/{post_id}/insights", { params }), 200);
  check("getPostInsights", figures.insights.length > 0 && figures.insights.every(({ value }) => value !== null));
  write("waits for a comment", { wants: "comment", post: live.id });
  const comments = await until("the comment", async () => {
    const page = parsed("listPostComments", await client.GET("/posts/{post_id}/comments", { params }), 200);
    return page.items.length ? page : undefined;
  });
  const file = await client.GET("/posts/{post_id}/comments/export", { params, parseAs: "text" });
  const csv = parsed("exportPostComments", file, 200);
  check("exportPostComments", csv.includes(comments.items[0]?.id ?? "none"));
  const linked = { ...params, query: { ...params.query, delivery: "url" } } as const;
  const link = parsed("exportPostComments, link", await client.GET("/posts/{post_id}/comments/export", { params: linked }), 200);
  check("exportPostComments, link", typeof link === "object" && link.totalCount === comments.returned);
}

const events: Schemas["Event"][] = [];
for (let after: string | undefined; ; ) {
  const page = parsed("listEvents", await client.GET("/events", { params: { query: { after, limit: 500 } } }), 200);
  if (!page.items.length) break;
  events.push(...page.items);
  after = page.nextCursor;
}
const types = new Set(events.filter((event) => event.post?.id === post.id).map((event) => event.type));
for (const type of ["post.created", "post.rejected", "post.approved", "post.published"] satisfies Schemas["EventType"][])
  check("listEvents", types.has(type));

const other = parsed("createScheduledPost", await client.POST("/scheduled-posts", { body: {} }), 201);
const removed = await client.DELETE("/scheduled-posts/{post_id}", { params: { path: { post_id: other.id } } });
parsed("deleteScheduledPost", removed, 200);
