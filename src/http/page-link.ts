/** The next page as a link (RFC 8288): the request's own address with another cursor. */
export function nextPageLink(url: string, nextCursor: string | null): Record<string, string> {
  if (nextCursor === null) return {};
  const [path, query] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', nextCursor);
  return { link: `<${path}?${parameters}>; rel="next"` };
}
