// serve listens on a free port, prints the URL of the route, and ends when standard
// input does.
export function serve(app) {
  const server = app.listen(0, '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${server.address().port}/orders`)
  })
  process.stdin.resume()
  process.stdin.on('end', () => process.exit(0))
}
