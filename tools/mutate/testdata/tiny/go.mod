module example.com/owner/tiny

go 1.26.0
