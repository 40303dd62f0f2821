package history

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Subject is a user whose history there is.
type Subject struct {
	Tenant string `json:"tenant"`
	Name   string `json:"subject"`
}

func (s Subject) String() string {
	if s.Tenant == "default" {
		return s.Name
	}
	return s.Tenant + "/" + s.Name
}

// maxSubjects bounds how many users a name is searched for.
const maxSubjects = 20

// UnknownError says that nobody of a name is in the history.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("nobody called %q is in the history: it knows the subject, the user name, the e-mail address and the provider's id of a user", e.Name)
}

// Find returns the users that have, or ever had, a name: as subject
// (tenant/subject to say which tenant's), user name, e-mail address or id at
// the provider, in whatever case. The subject goes first; whoever is called so
// hides the others. The error is an *UnknownError when there is nobody.
func (s *Store) Find(ctx context.Context, name string) ([]Subject, error) {
	lower := strings.ToLower(name)
	tenant, subject, _ := strings.Cut(lower, "/")
	for _, search := range []struct {
		from, where string
		args        []any
	}{
		{"events", "tenant = ? AND subject = ?", []any{tenant, subject}},
		{"events", "subject IN (?, ?)", []any{lower, name}},
		{"names", "name = ?", []any{lower}},
	} {
		found, err := s.find(ctx, search.from, search.where, search.args)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, &UnknownError{name}
}

func (s *Store) find(ctx context.Context, from, where string, args []any) ([]Subject, error) {
	return list(ctx, s, "users by name", func(row driver.Rows, found *Subject) error {
		return row.Scan(&found.Tenant, &found.Name)
	}, "SELECT DISTINCT tenant, subject FROM "+from+" WHERE subject != '' AND "+where+fmt.Sprintf(" ORDER BY tenant, subject LIMIT %d", maxSubjects), args...)
}
