// Package publish is riskstream's side of Kafka: how to connect, the topics it
// owns with their settings, and the bytes of the records in them. It decides
// nothing; the engine says what is published and when.
//
// The JSON form of each topic is described by a schema in docs/schemas, which
// the tests hold against what the encoders write.
package publish
