package fit

import "math"

// matrix is square, symmetric and positive definite.
type matrix [][]float64

func newMatrix(n int) matrix {
	m := make(matrix, n)
	for i := range m {
		m[i] = make([]float64, n)
	}
	return m
}

// solve finds x with m·x = b over some of the indices, by Cholesky's
// decomposition; elsewhere x is 0.
func (m matrix) solve(indices []int, b []float64) []float64 {
	n := len(indices)
	l, y := newMatrix(n), make([]float64, n)
	for i := range n {
		for j := range i + 1 {
			sum := m[indices[i]][indices[j]]
			for k := range j {
				sum -= l[i][k] * l[j][k]
			}
			if i == j {
				l[i][i] = math.Sqrt(sum)
			} else {
				l[i][j] = sum / l[j][j]
			}
		}
		y[i] = b[indices[i]]
		for k := range i {
			y[i] -= l[i][k] * y[k]
		}
		y[i] /= l[i][i]
	}
	x := make([]float64, len(b))
	for i := n - 1; i >= 0; i-- {
		sum := y[i]
		for k := i + 1; k < n; k++ {
			sum -= l[k][i] * x[indices[k]]
		}
		x[indices[i]] = sum / l[i][i]
	}
	return x
}
