module github.com/riskstream/riskstream

go 1.26

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/valyala/fastjson v1.6.10 // indirect
)
