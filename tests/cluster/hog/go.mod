module hog

go 1.24
