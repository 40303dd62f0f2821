// Package chdb runs ClickHouse inside this process, without a server, for
// clients that talk to it as to any other ClickHouse.
//
// The engine is libchdb, a shared library of half a gigabyte, which is no part
// of the binary: Fetch gets it once, and it is loaded when an engine is opened,
// never by importing the package. It is bound without cgo.
//
// libchdb has a C interface, and clickhouse-go speaks ClickHouse's HTTP
// protocol. Between them stands a handler on a loopback address that lets in
// only who knows the engine's random token. So the same client, the same SQL
// and the same errors serve a real ClickHouse and the embedded one, and nothing
// but the choice of clickhouse.Options tells them apart:
//
//	engine, err := chdb.Open(dir, chdb.Settings{})
//	db := clickhouse.OpenDB(engine.Options())
//
// One request is one connection of libchdb: its settings and its database end
// with it, as they do on a server, and requests run beside each other. What a
// request says in its URL is made so by SET, so that a setting that ClickHouse
// does not know is an error, and one that it knows takes effect.
//
// What differs from a server:
//   - Result blocks and inserts are streamed and not compressed; sessions,
//     external tables and several statements in one request are refused.
//   - A client that goes away ends its SELECT within a tenth of a second. Any
//     other statement runs to its end; of an insert, only if all of its data had
//     arrived.
//   - The query id is the client's own and unknown to the engine.
//   - libchdb's database "default" shows the files of the working directory as
//     tables. The engine's database is another, and a request that names none is
//     in that.
//   - A fault in the library ends the process.
//
// On Linux a binary with this package needs the system's C library, even where
// CGO_ENABLED is 0; with the build tag nochdb it needs none, and Open fails.
package chdb
