package historyapi

import (
	"context"
	"sync"

	"github.com/riskstream/riskstream/internal/history"
)

// engine is the history that is asked. It is opened anew when its engine has
// gone: an embedded one goes with the riskstream run that it is asked through.
type engine struct {
	open  func(context.Context) (*history.Store, error)
	lock  sync.RWMutex   // held for reading while the store is asked
	store *history.Store // nil when it is to be opened
}

// ask asks the history, again if its engine has gone meanwhile.
func (e *engine) ask(ctx context.Context, question func(*history.Store) error) error {
	err := e.askOnce(ctx, question)
	if history.IsGone(err) && ctx.Err() == nil {
		err = e.askOnce(ctx, question)
	}
	return err
}

func (e *engine) askOnce(ctx context.Context, question func(*history.Store) error) error {
	store, err := e.take(ctx)
	if err != nil {
		return err
	}
	err = func() error {
		defer e.lock.RUnlock()
		return question(store)
	}()
	if history.IsGone(err) && ctx.Err() == nil {
		e.drop(store)
	}
	return err
}

// take returns the open history with the lock held for reading.
func (e *engine) take(ctx context.Context) (*history.Store, error) {
	for {
		e.lock.RLock()
		if e.store != nil {
			return e.store, nil
		}
		e.lock.RUnlock()
		if err := e.reopen(ctx); err != nil {
			return nil, err
		}
	}
}

func (e *engine) reopen(ctx context.Context) error {
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.store != nil {
		return nil
	}
	store, err := e.open(ctx)
	if err != nil {
		return &openError{err}
	}
	e.store = store
	return nil
}

// drop closes a history whose engine has gone, once nobody asks it any more.
func (e *engine) drop(gone *history.Store) {
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.store == gone {
		e.store = nil
		_ = gone.Close() // of what is not there any more
	}
}

func (e *engine) close() error {
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.store == nil {
		return nil
	}
	store := e.store
	e.store = nil
	return store.Close()
}

// openError says that the history cannot be opened.
type openError struct{ error }

func (e *openError) Unwrap() error { return e.error }
