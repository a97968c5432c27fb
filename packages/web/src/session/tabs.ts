/** Tabs of one browser share its session cookie: each tells the others when it has logged in or out. */

export type TabNews = { kind: "in"; userId: string } | { kind: "out" };

const CHANNEL = "tenure-session";

/** Calls `hear` with the other tabs' news, and returns the way to tell them one's own. */
export function otherTabs(hear: (news: TabNews) => void): (news: TabNews) => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", ({ data }: MessageEvent<TabNews>) => hear(data));
  return (news) => channel.postMessage(news);
}
