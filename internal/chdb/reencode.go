package chdb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// readAhead is the size of chproto.Reader's own buffer.
const readAhead = 128 << 10

// reencode turns blocks of the Native format as libchdb writes it, which is
// revision 0, into the same blocks at the revision that the client reads. The
// two differ in few bytes, but where those stand is known only to who has read
// the columns.
func reencode(blocks []byte, revision uint64) ([]byte, error) {
	// chproto.NewReader takes a bufio.Reader of its own size as it is, so that what
	// it has not read yet can be seen.
	ahead := bufio.NewReaderSize(bytes.NewReader(blocks), readAhead)
	in := chproto.NewReader(ahead)
	out := &chproto.Buffer{Buf: make([]byte, 0, len(blocks)+len(blocks)/64+1024)}
	for {
		if _, err := ahead.Peek(1); errors.Is(err, io.EOF) {
			return out.Buf, nil
		}
		block := proto.NewBlock()
		if err := block.Decode(in, 0); err != nil {
			return nil, refuse(codeNotImplemented, "NOT_IMPLEMENTED", "A result cannot be read as Native (without a FORMAT clause, and with types that clickhouse-go knows, it can): %v", err)
		}
		if err := encode(out, block, revision); err != nil {
			return nil, fmt.Errorf("encoding a result: %w", err)
		}
	}
}

func encode(out *chproto.Buffer, block *proto.Block, revision uint64) error {
	if block.Rows() > 0 {
		return block.Encode(out, revision)
	}
	// Without rows there is nothing after a column's type, whatever the type is;
	// Block.Encode would write the beginning of one.
	if err := block.EncodeHeader(out, revision); err != nil {
		return err
	}
	for i, c := range block.Columns {
		out.PutString(block.ColumnsNames()[i])
		out.PutString(string(c.Type()))
		if revision >= proto.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION {
			out.PutBool(false)
		}
	}
	return nil
}
