# install rules: see the files that each room adds
