// The page's only connection: JSON requests to /world/… on its own host, and the stream of changes.

export async function get(path, query = {}) {
  const answer = await fetch(`/world/${path}?${new URLSearchParams(query)}`);
  return answer.json();
}

export async function post(path, body = {}) {
  const answer = await fetch(`/world/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.json();
}

/** Follow the changes that `user` may see; `again` is called whenever the stream was lost and is back. */
export function follow(user, listeners, state) {
  const stream = new EventSource(`/world/events?${new URLSearchParams({ user })}`);
  let lost = false;
  stream.addEventListener("open", () => {
    state(true);
    if (lost) listeners.again();
    lost = false;
  });
  stream.addEventListener("error", () => {
    lost = true;
    state(false);
  });
  for (const [kind, listener] of Object.entries(listeners)) {
    if (kind !== "again") stream.addEventListener(kind, (event) => listener(JSON.parse(event.data)));
  }
  return () => stream.close();
}
