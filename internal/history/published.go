package history

import (
	"context"
	"errors"
	"fmt"
)

// Published hands on every score record of a user and of the user's sessions as
// it was published, each entity's in order. An empty record is the end of a
// session's risk. record is valid during the call only.
func (s *Store) Published(ctx context.Context, subject Subject, each func(entity string, record []byte)) error {
	// The end of a session's risk is a record without value, which does not say
	// whose session it was.
	const query = `SELECT entity, record FROM scores
		WHERE tenant = ? AND (subject = ? OR subject = '' AND ended AND session_id IN
			(SELECT DISTINCT session_id FROM scores WHERE tenant = ? AND subject = ? AND session_id != ''))
		ORDER BY entity, ` + inOrder
	rows, err := s.conn.Query(ctx, query, subject.Tenant, subject.Name, subject.Tenant, subject.Name)
	if err != nil {
		return fmt.Errorf("scores of %s: %w", subject, err)
	}
	for rows.Next() {
		var entity string
		var record []byte
		if err = rows.Scan(&entity, &record); err != nil {
			break
		}
		each(entity, record)
	}
	return errors.Join(err, rows.Err(), rows.Close())
}
