"""top_k_sampling"""
